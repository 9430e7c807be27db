"""Image archives made of programs of this host."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PROGRAMS = (
    "sh",
    "cat",
    "ls",
    "sleep",
    "head",
    "id",
    "stat",
    "touch",
    "hostname",
    "mount",
    "env",
    "ln",
    "mkdir",
    "rm",
    "readlink",
)


def layer(files: Mapping[str, bytes | tuple[str, str] | None], *, modes: Mapping[str, int] | None = None) -> bytes:
    """A tar: a path to its content, to None for a directory, or to ("link", target)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.mode = (modes or {}).get(name, 0o755)
            if content is None:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            elif isinstance(content, tuple):
                info.type, info.linkname = tarfile.SYMTYPE, content[1]
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def programs(names: Sequence[str] = PROGRAMS) -> bytes:
    """A layer with programs and the libraries they need."""
    files: dict[str, bytes | tuple[str, str] | None] = {"etc": None, "tmp": None, "bin": None}
    files["etc/passwd"] = b"root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001:web:/home/web:/bin/sh\n"
    files["etc/group"] = b"root:x:0:\nweb:x:1001:\nextra:x:3000:web\n"
    for name in names:
        path = shutil.which(name)
        assert path is not None, name
        real = Path(path).resolve()
        files[f"bin/{Path(name).name}"] = real.read_bytes()
        listed = subprocess.run(["ldd", str(real)], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            files[library.lstrip("/")] = Path(library).resolve().read_bytes()
    return layer(files)


def config(layers: Sequence[bytes], **fields: Any) -> bytes:
    diff_ids = [digest(each) for each in layers]
    rootfs = {"type": "layers", "diff_ids": diff_ids}
    return json.dumps({"architecture": "amd64", "os": "linux", "config": fields, "rootfs": rootfs}).encode()


def docker_archive(path: Path, layers: Sequence[bytes], *, tag: str | Sequence[str], **fields: Any) -> Path:
    """What `docker save` writes, of an image with one name or several."""
    content = config(layers, **fields)
    names = [f"{hashlib.sha256(each).hexdigest()}/layer.tar" for each in layers]
    manifest = [{"Config": "config.json", "RepoTags": [tag] if isinstance(tag, str) else list(tag), "Layers": names}]
    files = {"manifest.json": json.dumps(manifest).encode(), "config.json": content}
    path.write_bytes(layer({**files, **dict(zip(names, layers, strict=True))}))
    return path


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
