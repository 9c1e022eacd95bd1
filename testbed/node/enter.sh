#!/usr/bin/env bash
# enter.sh FOLDER PID COMMAND…: runs a command inside the machine whose first process is PID.
#
# nsenter does not move a process into the cgroups: what is started here must count as the
# machine's and end with it.
set -euo pipefail
folder=$1 pid=$2
shift 2
while read -r cgroup; do
  echo $$ > "$cgroup/cgroup.procs"
done < "$folder/cgroups"
exec nsenter --target "$pid" --mount --net --pid --uts --ipc --cgroup -- \
  env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
