"""A machine whose programs only note what they were asked, and fail when they are told to."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = (
    "apt-get", "apt-mark", "containerd", "curl", "gpg", "k3s", "kubeadm", "kubectl", "modprobe", "sleep", "sysctl",
    "systemctl",
)  # fmt: skip
_STUB = """\
#!/bin/sh
echo "{name} $*" >> "$STUBS/calls"
for key in "{name}" "{name} $1"; do
  left=$(cat "$STUBS/fails/$key" 2> /dev/null || echo 0)
  [ "$left" = 0 ] || {{ echo $((left - 1)) > "$STUBS/fails/$key"; exit 1; }}
done
{then}
"""
_CURL = """\
case "$*" in
  *readyz*|*/ping*) [ -e "$STUBS/answers" ] || exit 7;;
  *kube-flannel*) echo '"Network": "10.244.0.0/16"';;
  *-sfLo*) echo 'echo "install $*" >> "$STUBS/calls"' > "$2";;
esac"""
_KUBEADM = """\
case "$1" in
  reset) rm -rf "$ROOT/etc/kubernetes/pki";;
  config) echo registry.example.org/kube-proxy:new;;
  *) ls "$ROOT/etc/kubernetes/pki" > "$STUBS/keys" 2> /dev/null || true;;
esac"""
_KUBECTL = """\
case "$*" in
  *kubeadm-config*) echo "    kubernetesVersion: $(cat "$STUBS/version")";;
  *"apply -f -") cat > "$STUBS/applied";;
esac"""
_THEN = {"curl": _CURL, "kubeadm": _KUBEADM, "kubectl": _KUBECTL}


@dataclass(frozen=True)
class StubMachine:
    """Its file system begins at `root`; scripts that name `/etc`, `/run` and `/var` find these there."""

    directory: Path

    @property
    def root(self) -> Path:
        return self.directory / "root"

    def furnish(self) -> StubMachine:
        for path in (
            "bin",
            "fails",
            "root/etc/apt/sources.list.d",
            "root/etc/sysctl.d",
            "root/etc/modules-load.d",
            "root/run",
            "root/var/lib",
        ):
            (self.directory / path).mkdir(parents=True)
        for name in PROGRAMS:
            stub = self.directory / "bin" / name
            stub.write_text(_STUB.format(name=name, then=_THEN.get(name, "")))
            stub.chmod(0o755)
        self.have("v1.36.2")
        return self

    def fail(self, program: str, times: int) -> None:
        """Have a program, or a command of it, fail the next times."""
        (self.directory / "fails" / program).write_text(str(times))

    def answer(self) -> None:
        """Something answers at the cluster's endpoint from now on."""
        (self.directory / "answers").touch()

    def have(self, version: str) -> None:
        """What version the cluster says that it is."""
        (self.directory / "version").write_text(version)

    def boot(self, script: bytes) -> list[str]:
        """Run user data; returns what was asked of programs, each with its first words, waiting left out."""
        calls = self.directory / "calls"
        calls.write_text("")
        text = re.sub(r"(?<![\w./~-])/(etc|run|var)/", rf"{self.root}/\1/", script.decode())
        environment = {
            "PATH": f"{self.directory / 'bin'}:{os.environ['PATH']}", "STUBS": str(self.directory),
            "ROOT": str(self.root), "HOME": str(self.root),
        }  # fmt: skip
        done = subprocess.run(["sh"], input=text, text=True, capture_output=True, env=environment, timeout=60)
        assert done.returncode == 0, done.stderr
        said = calls.read_text().replace(str(self.root), "").splitlines()
        return [line for line in said if not line.startswith("sleep")]
