"""The shell of kubeadm's user data, in the order in which it runs. As data; `kubeadm` fills in what is known.

Every step may be run again: what fails waits and is tried anew, also after `kubeadm reset`.
"""

from __future__ import annotations

from typing import Final

INSTALL: Final = """\
export DEBIAN_FRONTEND=noninteractive
printf 'overlay\\nbr_netfilter\\n' > /etc/modules-load.d/kubernetes.conf
modprobe overlay || true; modprobe br_netfilter || true
printf 'net.ipv4.ip_forward = 1\\nnet.bridge.bridge-nf-call-iptables = 1\\n' > /etc/sysctl.d/90-kubernetes.conf
sysctl -q --system || true
until apt-get update -q && apt-get install -qy ca-certificates curl gpg containerd; do sleep 5; done
mkdir -p /etc/apt/keyrings /etc/containerd
source=https://pkgs.k8s.io/core:/stable:/v%(minor)s/deb/
ring=/etc/apt/keyrings/kubernetes.gpg
until curl -fsSL "${source}Release.key" | gpg --batch --yes --dearmor -o $ring; do sleep 5; done
echo "deb [signed-by=$ring] $source /" > /etc/apt/sources.list.d/kubernetes.list
until apt-get update -q && apt-get install -qy kubelet kubeadm kubectl; do sleep 5; done
apt-mark hold kubelet kubeadm kubectl
containerd config default | sed 's/SystemdCgroup = false/SystemdCgroup = true/' > /etc/containerd/config.toml
systemctl restart containerd
systemctl enable kubelet"""
HEAD: Final = """\
#!/bin/sh
# A machine of cluster %(cluster)s, made by `cloudk8s cluster`.
set -eu
[ ! -e /etc/kubernetes/kubelet.conf ] || exit 0
%(install)s
umask 077
mkdir -p /run/kubeadm
"""
"""What is installed has to be readable: apt drops its privileges before it looks at a repository's key."""
JOIN: Final = """\
until kubeadm join --config /run/kubeadm/join.yaml; do kubeadm reset -f || true; sleep 5%(again)s; done
"""
DONE: Final = """\
mkdir -p /run/cluster-api && touch /run/cluster-api/bootstrap-success.complete
"""
INIT: Final = """\
if ! curl -ksf -m 5 'https://%(answering)s/readyz' > /dev/null && [ '%(is_first)s' = yes ]; then
  until kubeadm init --config /run/kubeadm/init.yaml --skip-token-print; do
    kubeadm reset -f || true; sleep 5; keys
  done
  export KUBECONFIG=/etc/kubernetes/admin.conf
  until kubectl apply -f /run/kubeadm/rules.yaml; do sleep 2; done
  until %(network)s; do sleep 5; done
  mkdir -p /run/cluster-api && touch /run/cluster-api/bootstrap-success.complete
  exit 0
fi
"""
BEFORE: Final = """\
kubeadm init phase kubeconfig %(admin)s --config /run/kubeadm/init.yaml --kubeconfig-dir /run/kubeadm
export KUBECONFIG=/run/kubeadm/%(admin)s.conf
until kubectl -n kube-system get configmap kubeadm-config -o yaml > /run/kubeadm/present.yaml; do sleep 5; done
present=$(sed -n 's/^ *kubernetesVersion: //p' /run/kubeadm/present.yaml)
newest=$(printf '%%s\\n' "$present" '%(version)s' | sort -V | tail -n 1)
if [ "$newest" != "$present" ]; then
  until kubectl apply -f /run/kubeadm/rules.yaml &&
    kubeadm init phase upload-config kubeadm --config /run/kubeadm/init.yaml --kubeconfig $KUBECONFIG; do sleep 5; done
fi
"""
"""Machines that join run the version that the cluster's configuration names, so the first of a newer one changes it."""
AFTER: Final = """\
if [ "$newest" != "$present" ]; then
  image=$(kubeadm config images list --config /run/kubeadm/init.yaml | grep /kube-proxy:)
  kubectl -n kube-system set image daemonset/kube-proxy "kube-proxy=$image" || true
  kubeadm init phase addon coredns --config /run/kubeadm/init.yaml --kubeconfig $KUBECONFIG || true
fi
rm -f $KUBECONFIG
"""
"""Add-ons follow once an API server of the version is there; who has others in their place keeps those."""
