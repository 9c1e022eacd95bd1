#!/usr/bin/env bash
# boot.sh FOLDER: goes into the machine's cgroups and namespaces; init.sh becomes its first process.
#
# FOLDER/cgroups names the cgroup folders, one a line. Whoever kills this process kills the
# machine: --kill-child ties its first process to unshare, and the kernel ends the rest.
set -euo pipefail
folder=$1
while read -r cgroup; do
  echo $$ > "$cgroup/cgroup.procs"
done < "$folder/cgroups"
exec unshare --mount --net --pid --uts --ipc --cgroup --propagation private --mount-proc \
  --fork --kill-child=KILL "$folder/scripts/init.sh" "$folder"
