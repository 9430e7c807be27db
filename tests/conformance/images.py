"""Make an archive of stand-ins for the images that upstream's conformance suite asks for, from programs of this host.

    python -m tests.conformance.images --agnhost _output/agnhost --nnp _output/nnp -o images.tar

One layer has agnhost, busybox and a few of Debian's programs with their libraries; the images differ in what they
start.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TOOLS = ("bash", "conntrack", "curl", "dig", "getent", "ipcs", "nc", "printenv", "sh", "ss", "wget")
DIRECTORIES = ("dev", "etc", "proc", "root", "sys", "uploads", "usr/local/apache2/htdocs", "usr/share/nginx/html")
PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
GROUPS = "root:x:0:\nnogroup:x:65534:\n"
PAGE = "<html><body><h1>It works!</h1></body></html>\n"
SHELL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Stand:
    """An image that stands in for upstream's of that name."""

    name: str
    command: Sequence[str] = ("/agnhost", "pause")
    entrypoint: Sequence[str] = ()
    user: str = ""
    working_dir: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)


def httpd(directory: str) -> Sequence[str]:
    return ("busybox", "httpd", "-f", "-p", "80", "-h", directory)


def update_demo(name: str) -> Stand:
    """An image of the update demonstration: it serves what picture it would show."""
    return Stand(
        f"gcr.io/kubernetes-e2e-test-images/{name}:1.0",
        ("test-webserver",), ("/agnhost",), files={"data.json": json.dumps({"image": f"{name}.jpg"})},
    )  # fmt: skip


STANDS = (
    Stand("k8s.gcr.io/e2e-test-images/agnhost:2.21", ("pause",), ("/agnhost",)),
    Stand("k8s.gcr.io/pause:3.2", (), ("/agnhost", "pause")),
    Stand("docker.io/library/busybox:1.29", ("sh",), links={"bin/sh": "busybox", "usr/bin/sh": "../../bin/busybox"}),
    Stand("gcr.io/kubernetes-e2e-test-images/jessie-dnsutils:1.0", ("bash",)),
    Stand("k8s.gcr.io/build-image/debian-iptables:buster-v1.3.0", ("sh",)),
    Stand("gcr.io/kubernetes-e2e-test-images/ipc-utils:1.0", ("sh",)),
    Stand("gcr.io/kubernetes-e2e-test-images/nonewprivs:1.0", ("nnp",)),
    Stand("gcr.io/kubernetes-e2e-test-images/nonroot:1.0", ("sh",), user="1234"),
    update_demo("nautilus"),
    update_demo("kitten"),
    Stand("docker.io/library/httpd:2.4.38-alpine", httpd("/usr/local/apache2/htdocs")),
    Stand("docker.io/library/httpd:2.4.39-alpine", httpd("/usr/local/apache2/htdocs")),
    Stand("docker.io/library/nginx:1.14-alpine", httpd("/usr/share/nginx/html")),
    Stand("docker.io/library/nginx:1.15-alpine", httpd("/usr/share/nginx/html")),
)  # fmt: skip


class LayerTar:
    """A layer in the making."""

    def __init__(self) -> None:
        self._content = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._content, mode="w")  # noqa: SIM115
        self._names: set[str] = set()

    def directory(self, name: str, mode: int = 0o755) -> None:
        self._parents(name)
        self._add(tarfile.TarInfo(name), kind=tarfile.DIRTYPE, mode=mode)

    def link(self, name: str, target: str) -> None:
        self._parents(name)
        entry = tarfile.TarInfo(name)
        entry.linkname = target
        self._add(entry, kind=tarfile.SYMTYPE, mode=0o777)

    def file(self, name: str, content: bytes, mode: int = 0o644) -> None:
        self._parents(name)
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        self._add(entry, kind=tarfile.REGTYPE, mode=mode, content=content)

    def program(self, path: Path, name: str, mode: int = 0o755) -> None:
        """A program and the libraries that it is linked with, where the host has them."""
        self.file(name, path.read_bytes(), mode)
        for library in libraries(path):
            is_loader = library.name.startswith("ld-")
            place = str(library).lstrip("/") if is_loader else f"usr/lib/{library.name}"
            self.file(place, library.read_bytes(), 0o755)

    def finish(self) -> bytes:
        self._tar.close()
        return self._content.getvalue()

    def _parents(self, name: str) -> None:
        parent = str(Path(name).parent)
        if parent != "." and parent not in self._names:
            self.directory(parent)

    def _add(self, entry: tarfile.TarInfo, *, kind: bytes, mode: int, content: bytes = b"") -> None:
        if entry.name not in self._names:
            self._names.add(entry.name)
            entry.type, entry.mode = kind, mode
            self._tar.addfile(entry, io.BytesIO(content))


def libraries(program: Path) -> list[Path]:
    """What the loader would load for a program; nothing for a static one."""
    answer = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)
    for line in answer.stdout.splitlines():
        if line.endswith("not found"):
            print(f"{program}: {line.strip()}", file=sys.stderr)
    words = [word for line in answer.stdout.splitlines() for word in line.split() if word.startswith("/")]
    return [Path(word) for word in words if Path(word).exists()]


def layer(options: argparse.Namespace) -> bytes:
    """The layer that all the images share."""
    tar = LayerTar()
    for name in DIRECTORIES:
        tar.directory(name)
    for name in ("tmp", "var/tmp"):
        tar.directory(name, 0o1777)
    tar.file("etc/passwd", PASSWD.encode())
    tar.file("etc/group", GROUPS.encode())
    tar.file("etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")
    for name in ("usr/local/apache2/htdocs/index.html", "usr/share/nginx/html/index.html"):
        tar.file(name, PAGE.encode())
    tar.program(options.agnhost, "agnhost")
    tar.link("agnhost-2", "agnhost")
    for name in ("localhost.crt", "localhost.key") if options.porter else ():
        tar.file(name, (options.porter / name).read_bytes())
    if options.nnp:
        tar.program(options.nnp, "usr/local/bin/nnp", 0o6755)
    for tool in TOOLS:
        if found := shutil.which(tool):
            tar.program(Path(found).resolve(), f"usr/bin/{tool}")
        else:
            print(f"this host has no {tool}: specs that call it will fail", file=sys.stderr)
    # Not busybox's: there its own commands come before those of others.
    tar.link("bin/sh", "../usr/bin/sh")
    tar.program(options.busybox, "bin/busybox")
    applets = subprocess.run(
        [str(options.busybox), "--list"], capture_output=True, text=True, check=True
    ).stdout.split()
    for applet in applets:
        if applet not in TOOLS:
            tar.link(f"bin/{applet}", "busybox")
    return tar.finish()


def own_layer(stand: Stand) -> bytes:
    tar = LayerTar()
    for name, content in stand.files.items():
        tar.file(name, content.encode())
    for name, target in stand.links.items():
        tar.link(name, target)
    return tar.finish()


def write(layers: Mapping[str, Sequence[bytes]], path: Path) -> None:
    """Write images as `docker save` does: their layers, what they start, and their names."""
    with tarfile.open(path, "w") as archive:
        written: set[str] = set()

        def put(name: str, content: bytes) -> None:
            if name not in written:
                written.add(name)
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))

        manifest = []
        for stand in STANDS:
            digests = [hashlib.sha256(each).hexdigest() for each in layers[stand.name]]
            config = json.dumps(configuration(stand, digests)).encode()
            name = f"{hashlib.sha256(config).hexdigest()}.json"
            for digest, content in zip(digests, layers[stand.name], strict=True):
                put(f"{digest}/layer.tar", content)
            put(name, config)
            files = [f"{digest}/layer.tar" for digest in digests]
            manifest.append({"Config": name, "RepoTags": [stand.name], "Layers": files})
        put("manifest.json", json.dumps(manifest).encode())


def configuration(stand: Stand, digests: Sequence[str]) -> dict[str, object]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Env": [f"PATH={SHELL_PATH}"],
            "Cmd": list(stand.command),
            "Entrypoint": list(stand.entrypoint),
            "User": stand.user,
            "WorkingDir": stand.working_dir,
            "Labels": {"stands-in-for": stand.name},
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
    }


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Make stand-ins for the images of upstream's conformance suite.")
    parser.add_argument("--agnhost", type=Path, required=True, help="the program built from test/images/agnhost")
    parser.add_argument("--porter", type=Path, help="test/images/agnhost/porter, for its certificate")
    parser.add_argument("--nnp", type=Path, help="the program built from test/images/nonewprivs")
    parser.add_argument(
        "--busybox",
        type=Path,
        default=Path("/bin/busybox"),
        help="Debian's, not the static one, which can't look up names",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="the archive to write")
    options = parser.parse_args(arguments)
    shared = layer(options)
    own = {stand.name: [own_layer(stand)] if stand.files or stand.links else [] for stand in STANDS}
    write({name: [shared, *more] for name, more in own.items()}, options.output)
    print(f"{options.output}: {len(STANDS)} images, {options.output.stat().st_size >> 20} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
