"""Unpack a layer's tar stream into a directory, verified by its digest; nothing lands outside of it. Blocks.

With root, whiteouts become what overlay file systems read; without, layers are applied one over another in place.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import importlib
import lzma
import os
import shutil
import stat
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import IO, BinaryIO, cast

from cloudk8s.node.runtimes.host.shim import paths
from cloudk8s.node.runtimes.interface import ImagePullFailed
from cloudk8s.node.users import may_give_away

_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_XATTR = "SCHILY.xattr."
_OVERLAY_OPAQUE = "trusted.overlay.opaque"


class _Digesting:
    """A stream that hashes what is read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.sha256.update(data)
        return data


def unpack(blob: BinaryIO, directory: Path, *, diff_id: str, is_overlay: bool) -> int:
    """Unpack a compressed or plain layer and return its size; ImagePullFailed where its content is not `diff_id`."""
    stream = _Digesting(_decompressed(blob))
    size = 0
    directories: list[tuple[str, tarfile.TarInfo]] = []
    try:
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|") as archive:
            for member in archive:
                size += member.size
                path = _extract(archive, member, str(directory), is_overlay=is_overlay)
                if path is not None and member.isdir():
                    directories.append((path, member))
        while stream.read(1 << 20):
            pass  # what follows the archive's end counts for the digest too
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, lzma.LZMAError) as error:
        raise ImagePullFailed(f"layer {diff_id} cannot be read: {error}") from error
    if f"sha256:{stream.sha256.hexdigest()}" != diff_id:
        raise ImagePullFailed(f"layer {diff_id} has other content: sha256:{stream.sha256.hexdigest()}")
    for path, member in reversed(directories):
        os.utime(path, (member.mtime, member.mtime))
    return size


def _decompressed(blob: BinaryIO) -> IO[bytes]:
    head = blob.read(6)
    blob.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=blob))
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return _zstandard(blob)
    if head.startswith(b"BZh"):
        return bz2.BZ2File(blob)
    if head.startswith(b"\xfd7zXZ"):
        return lzma.LZMAFile(blob)
    return blob


def _zstandard(blob: BinaryIO) -> IO[bytes]:
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError:
        raise ImagePullFailed("the layer is compressed with zstd: install the package zstandard") from None
    return cast(IO[bytes], zstandard.ZstdDecompressor().stream_reader(blob))


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, root: str, *, is_overlay: bool) -> str | None:
    """Make one entry; its path, or None where there is nothing to make."""
    name = os.path.normpath("/" + member.name).lstrip("/")
    if not name:
        _apply_metadata(root, member)
        return root
    parent = paths.join(root, os.path.dirname(name))
    os.makedirs(parent, exist_ok=True)
    base = os.path.basename(name)
    target = os.path.join(parent, base)
    if base == _OPAQUE:
        _make_opaque(parent, is_overlay=is_overlay)
        return None
    if base.startswith(_WHITEOUT):
        _white_out(os.path.join(parent, base.removeprefix(_WHITEOUT)), is_overlay=is_overlay)
        return None
    _clear(target, keep_directory=member.isdir())
    if not _make(archive, member, target, root):
        return None
    _apply_metadata(target, member)
    return target


def _make(archive: tarfile.TarFile, member: tarfile.TarInfo, target: str, root: str) -> bool:
    if member.isdir():
        os.makedirs(target, exist_ok=True)
    elif member.issym():
        os.symlink(member.linkname, target)
    elif member.islnk():
        os.link(paths.join(root, os.path.normpath("/" + member.linkname)), target, follow_symlinks=False)
    elif member.isreg():
        source = archive.extractfile(member)
        assert source is not None
        with open(target, "wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
    elif member.ischr() or member.isblk():
        kind = stat.S_IFCHR if member.ischr() else stat.S_IFBLK
        try:
            os.mknod(target, kind | 0o600, os.makedev(member.devmajor, member.devminor))
        except PermissionError:
            return False  # devices need root; a container has its own /dev anyway
    elif member.isfifo():
        os.mkfifo(target)
    return True


def _apply_metadata(target: str, member: tarfile.TarInfo) -> None:
    """Owner, extended attributes, mode and time, as far as this user may set them."""
    is_root = may_give_away()
    if is_root:
        os.chown(target, member.uid, member.gid, follow_symlinks=False)
    for key, value in member.pax_headers.items():
        if key.startswith(_XATTR) and is_root:
            with suppress(OSError):  # the file system does not know the attribute
                raw = value.encode("utf-8", "surrogateescape")
                os.setxattr(target, key.removeprefix(_XATTR), raw, follow_symlinks=False)
    if member.issym() or member.islnk():
        return
    os.chmod(target, member.mode & 0o7777 | (0 if is_root else 0o700 if member.isdir() else 0o600))
    if not member.isdir():
        os.utime(target, (member.mtime, member.mtime))


def _clear(target: str, *, keep_directory: bool) -> None:
    if not os.path.lexists(target):
        return
    if os.path.isdir(target) and not os.path.islink(target):
        if not keep_directory:
            shutil.rmtree(target)
    else:
        os.unlink(target)


def _white_out(target: str, *, is_overlay: bool) -> None:
    _clear(target, keep_directory=False)
    if is_overlay:
        os.mknod(target, stat.S_IFCHR | 0o000, os.makedev(0, 0))


def _make_opaque(directory: str, *, is_overlay: bool) -> None:
    if is_overlay:
        os.setxattr(directory, _OVERLAY_OPAQUE, b"y")
        return
    for entry in os.scandir(directory):
        _clear(entry.path, keep_directory=False)
