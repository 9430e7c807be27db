"""The shell script that is user data: writes one file, gets `cloudk8s` if it must, starts it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.machinery.codec import encode_sorted

LARGEST = 16384
"""What EC2 takes; a script is far smaller, since everything large comes from the API."""
VERSION = "0.1.0"
INSTALL = f"""\
  export DEBIAN_FRONTEND=noninteractive
  until apt-get update -q && apt-get install -qy python3-venv iproute2 nftables; do sleep 5; done
  python3 -m venv /opt/cloudk8s
  until /opt/cloudk8s/bin/pip install -q 'cloudk8s[all]=={VERSION}'; do sleep 5; done
  ln -sf /opt/cloudk8s/bin/cloudk8s /usr/local/bin/cloudk8s"""
"""How a machine whose image has no cloudk8s gets it; `bootstrap.options.install` is another way."""
_ETCD = """\
if [ -z "${CLOUDK8S:-}" ] && ! command -v etcd > /dev/null; then
  ln -sf /dev/null /etc/systemd/system/etcd.service
  until apt-get update -q && apt-get install -qy etcd-server; do sleep 5; done
fi
"""
"""The distribution's package would start an etcd of its own, but for the link: its unit counts as masked."""
_SCRIPT = """\
#!/bin/sh
# A machine of cluster %(cluster)s, made by `cloudk8s cluster`.
set -eu
umask 077
export HOME="${HOME:-/root}" NO_COLOR=1
dir=${CLOUDK8S_MACHINE_DIR:-/var/lib/cloudk8s}
mkdir -p "$dir"
cat > "$dir/machine.json" <<'END'
%(settings)s
END
if [ -z "${CLOUDK8S:-}" ] && ! command -v cloudk8s > /dev/null; then
%(install)s
fi
%(etcd)srun="${CLOUDK8S:-$(command -v cloudk8s)} machine --dir $dir"
if [ -n "${CLOUDK8S_MACHINE_DIR:-}" ] || [ ! -d /run/systemd/system ]; then
  exec $run
fi
cat > /etc/systemd/system/cloudk8s.service <<END
[Unit]
Description=A machine of cluster %(cluster)s
Wants=network-online.target
After=network-online.target
[Service]
ExecStart=$run
Restart=always
RestartSec=2
KillMode=mixed
LimitNOFILE=1048576
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable --now cloudk8s.service
"""


def script(cluster: str, settings: Mapping[str, Any], install: str = "", *, runs_etcd: bool = False) -> bytes:
    """User data that makes a machine of these settings."""
    values = {
        "cluster": cluster, "settings": encode_sorted(dict(settings)).decode(),
        "install": _indented(install) or INSTALL, "etcd": _ETCD if runs_etcd else "",
    }  # fmt: skip
    return (_SCRIPT % values).encode()


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines())
