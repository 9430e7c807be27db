"""Images that kubeadm wants, made of upstream's programs and this host's: there is no registry to pull them from."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.interop.upstream import Upstream, program_or_skip
from tests.node.runtimes.host.archives import docker_archive, layer, programs

TOOLS = "cloudk8s.test/network:1"
"""What the pod network and the tests' own pods run."""
_OF_ALL = ("kube-proxy", "pause", "coredns")
_TABLES = ("iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore")
_PROXY = """\
#!/bin/sh
# The kernel's table of connections is the whole host's, and nobody in a network namespace may set its size.
config=$(sed 's/maxPerCore: null/maxPerCore: 0/' /var/lib/kube-proxy/config.conf)
echo "$config" > /tmp/config.conf
shift
exec /bin/kube-proxy --config=/tmp/config.conf "$@"
"""


def wanted(upstream: Upstream, version: str) -> dict[str, str]:
    """The images of a version, by their short names."""
    command = [upstream.path("kubeadm"), "config", "images", "list", "--kubernetes-version", f"v{version}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return {image.rpartition(":")[0].rpartition("/")[2]: image for image in told}


def make(folder: Path, upstream: Upstream, versions: Sequence[str]) -> None:
    """Archives for every machine, and for those of the control plane; the same programs for all versions."""
    for name in ("every", "control-plane"):
        (folder / name).mkdir(parents=True)
    named = [wanted(upstream, version) for version in versions]
    for name in named[0]:
        layers, entry = _content(name, upstream)
        place = folder / ("every" if name in _OF_ALL else "control-plane")
        docker_archive(
            place / f"{name}.tar",
            layers,
            tag=sorted({each[name] for each in named}),
            Env=["PATH=/bin"],
            Entrypoint=list(entry),
        )
    tools = programs(("sh", "cat", "mv", "sleep", "ip", "curl", upstream.path("kubectl"), upstream.path("agnhost")))
    docker_archive(folder / "every" / "tools.tar", [tools], tag=TOOLS, Env=["PATH=/bin"])


def _content(name: str, upstream: Upstream) -> tuple[Sequence[bytes], Sequence[str]]:
    """Layers and entry point."""
    if name == "pause":
        return [programs(("sleep",))], ("/bin/sleep", "inf")
    if name == "etcd":
        return [programs((program_or_skip("etcd"), program_or_skip("etcdctl")))], ()
    if name == "kube-proxy":
        return [
            programs((*map(program_or_skip, (*_TABLES, "conntrack")), "sh", "sed", upstream.path(name))),
            _proxy(),
        ], ()
    if name == "coredns" and not (upstream.folder / name).is_file():
        return [programs(("sh", "sleep"))], ("/bin/sh", "-c", "exec sleep inf")  # a stand-in that is never ready
    return [programs((upstream.path(name),))], (f"/bin/{name}",) if name == "coredns" else ()


def _proxy() -> bytes:
    """What kube-proxy is called by, and what iptables loads."""
    files: dict[str, bytes | tuple[str, str] | None] = {"usr/local/bin/kube-proxy": _PROXY.encode()}
    libraries = Path("/usr/lib/x86_64-linux-gnu")
    for path in (libraries / "libm.so.6", *(libraries / "xtables").glob("*.so")):
        files[str(path).lstrip("/")] = path.read_bytes()
    return layer(files)
