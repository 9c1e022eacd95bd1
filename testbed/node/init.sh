#!/usr/bin/env bash
# init.sh FOLDER: the machine's first process. Builds its file system, devices, cgroups and network
# inside its own namespaces, then becomes systemd, or a loop around K3s where there is no systemd.
#
# FOLDER/etc/machine.env says: ROOT (the root file system below the machine's own disk), INIT (systemd
# or plain), NODE (its name), ADDRESS, GATEWAY.
set -euo pipefail
folder=$1
# shellcheck source=/dev/null
. "$folder/etc/machine.env"
root=$folder/root

# A disk of its own over ROOT. The upper layer must not lie inside its own lower layer.
mkdir -p "$root" "$folder/disk"
[ "$ROOT" != / ] || mount -t tmpfs tmpfs "$folder/disk"
mkdir -p "$folder/disk/upper" "$folder/disk/work"
mount -t overlay overlay \
  -o "lowerdir=$ROOT,upperdir=$folder/disk/upper,workdir=$folder/disk/work" "$root"
mount --make-private "$root"

# containerd's snapshots cannot lie on an overlay: these two are real folders.
for name in kubelet rancher; do
  mkdir -p "$root/var/lib/$name"
  mount --bind "$folder/$name" "$root/var/lib/$name"
done

# What the machine is made with, read-only: FOLDER/binds has a line `SOURCE NAME` for each part.
mkdir -p "$root/opt/testbed"
mount -t tmpfs -o mode=755 tmpfs "$root/opt/testbed"
while read -r source name; do
  mkdir -p "$root/opt/testbed/$name"
  mount --bind "$source" "$root/opt/testbed/$name"
  mount -o remount,bind,ro "$root/opt/testbed/$name"
done < "$folder/binds"

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
for name in null zero full random urandom tty kmsg; do
  [ -e "/dev/$name" ] || continue
  touch "$root/dev/$name"
  mount --bind "/dev/$name" "$root/dev/$name"
done
mount -t devpts -o newinstance,mode=620,ptmxmode=666 devpts "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"

# The cgroups that boot.sh has entered are the roots of these hierarchies: its own and writable.
mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
while read -r name; do
  mkdir "$root/sys/fs/cgroup/$name"
  case $name in
    systemd) mount -t cgroup -o none,name=systemd systemd "$root/sys/fs/cgroup/$name" ;;
    *) mount -t cgroup -o "$name" "$name" "$root/sys/fs/cgroup/$name" ;;
  esac
done < "$folder/hierarchies"

# The kubelet writes these, and they are the whole kernel's: it gets files of its own instead.
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  name=${setting%=*}
  file=$root/run/sysctl.${name//\//.}
  echo "${setting#*=}" > "$file"
  [ ! -e "$root/proc/sys/$name" ] || mount --bind "$file" "$root/proc/sys/$name"
done

hostname "$NODE"
echo "$NODE" > "$root/etc/hostname"
echo "127.0.0.1 localhost $NODE" > "$root/etc/hosts"
rm -f "$root/etc/resolv.conf"
: > "$root/etc/resolv.conf"
: > "$root/etc/machine-id"
install -m 755 "$folder/scripts/k3s" "$root/usr/local/bin/k3s"
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
install -m 644 "$folder/scripts/k3s.service" "$root/etc/systemd/system/k3s.service"
ln -sf ../k3s.service "$root/etc/systemd/system/multi-user.target.wants/k3s.service"
# It would write settings of the whole kernel.
ln -sf /dev/null "$root/etc/systemd/system/systemd-sysctl.service"
# Names no user of the machine outside: no login, no mail, no timers of the distribution.
ln -sf /dev/null "$root/etc/systemd/system/apt-daily.timer"
ln -sf /dev/null "$root/etc/systemd/system/apt-daily-upgrade.timer"

# One end of a pair carries the node's address and its default route; nobody is at the other.
ip link set lo up
ip link add node0 type veth peer name wire0
ip link set wire0 up
ip addr add "$ADDRESS/24" dev node0
ip link set node0 up
ip route add default via "$GATEWAY" dev node0
echo 1 > /proc/sys/net/ipv4/ip_forward

cd "$root"
mkdir -p .outside
pivot_root . .outside
touch "/.outside$folder/ready"
umount -l /.outside
rmdir /.outside || true
mount --make-rshared /
clean=(env -i container=testbed HOME=/root
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
if [ "$INIT" = systemd ]; then
  # In a container systemd reads its own arguments as the kernel's. A cgroup2 beside the others
  # would keep it from making empty slices in its own hierarchy, where runc looks for them.
  exec "${clean[@]}" /lib/systemd/systemd --log-target=console --show-status=no \
    systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1 < /dev/null
fi
exec "${clean[@]}" bash -c '
  trap : CHLD
  while :; do
    /usr/local/bin/k3s server >> /var/log/k3s.log 2>&1 < /dev/null & server=$!
    # Orphans are reaped on the way.
    while kill -0 "$server" 2> /dev/null; do wait -n || true; done
    sleep 1
  done' < /dev/null
