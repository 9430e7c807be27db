#!/bin/sh
# A host of the local provider becomes a machine with files, processes and control groups of its own, and runs its user
# data: sh machine.sh FIXTURE USER-DATA. FIXTURE has images and programs; all changes are below the machine's directory.
set -eu
fixture=$1 script=$2 state=$CLOUDK8S_MACHINE_DIR

if [ -z "${MACHINE_CGROUPS:-}" ]; then # outside: control groups first, which are to be the root of the machine's own
  name=kubeadm-$(basename "$(dirname "$state")")
  while IFS=: read -r _ controllers path; do
    controller=${controllers#name=}
    parent=/sys/fs/cgroup/$controller$path
    [ -n "$controller" ] && [ -d "$parent" ] || continue
    mkdir -p "$parent/$name"
    for each in cpuset.cpus cpuset.mems; do
      [ ! -e "$parent/$each" ] || cat "$parent/$each" > "$parent/$name/$each"
    done
    [ ! -e "$parent/$name/cgroup.clone_children" ] || echo 1 > "$parent/$name/cgroup.clone_children"
    echo 0 > "$parent/$name/cgroup.procs"
    MACHINE_CGROUPS="${MACHINE_CGROUPS:-} $controllers"
  done < /proc/self/cgroup
  export MACHINE_CGROUPS="${MACHINE_CGROUPS:?there are no control groups of version 1}"
  exec unshare --mount --pid --fork --kill-child --cgroup --ipc --propagation private sh "$0" "$@"
fi

root=$state/root
mkdir -p "$state/over" "$root" "$state/containerd" "$state/kubelet"
mount -t tmpfs over "$state/over"
mkdir "$state/over/upper" "$state/over/work"
mount -t overlay machine -o "lowerdir=/,upperdir=$state/over/upper,workdir=$state/over/work" "$root"
cd "$root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -t tmpfs run run
mount -t tmpfs cgroup sys/fs/cgroup
for controllers in $MACHINE_CGROUPS; do
  mkdir "sys/fs/cgroup/${controllers#name=}"
  mount -t cgroup -o "$controllers" cgroup "sys/fs/cgroup/${controllers#name=}"
done
rm -rf etc/cni/net.d etc/kubernetes etc/containerd/config.toml var/lib/cni
mkdir -p var/lib/containerd var/lib/kubelet var/lib/etcd etc/cni/net.d etc/containerd old
mount --bind "$state/containerd" var/lib/containerd
mount --bind "$state/kubelet" var/lib/kubelet
mount -t tmpfs -o mode=700 etcd var/lib/etcd
pivot_root . old
umount -l /old
mount --make-rshared /
cd /

# What a package's units and a machine image have; this is no systemd, but starts one service over and over.
rm -f /usr/bin/systemctl
cp "$fixture/systemctl" /usr/bin/systemctl
cp "$fixture/containerd.toml" /etc/containerd/config.toml
export PATH="$fixture/programs:$PATH"
sysctl -qw net.ipv4.ip_forward=1
containerd > /var/log/containerd.log 2>&1 &
until ctr version > /dev/null 2>&1; do sleep 0.2; done
for image in "$fixture"/images/every/*.tar; do ctr -n k8s.io images import "$image" > /dev/null; done
if grep -q '^kind: InitConfiguration' "$script"; then
  for image in "$fixture"/images/control-plane/*.tar; do ctr -n k8s.io images import "$image" > /dev/null; done
fi
"$fixture/services" &
if sh "$script"; then echo "user data has ended well"; else echo "user data has ended with $?"; fi
while :; do sleep 1000 & wait $! || true; done
