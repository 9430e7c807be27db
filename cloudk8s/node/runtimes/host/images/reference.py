"""Image references: `nginx`, `quay.io/a/b:1.2`, `host:5000/x@sha256:…`; written out in full."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cloudk8s.node.runtimes.interface import InvalidImageName

DEFAULT_HOST, DEFAULT_NAMESPACE, DEFAULT_TAG = "docker.io", "library", "latest"
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_HOST = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9-]+)*(?::[0-9]+)?|\[[0-9a-fA-F:]+\](?::[0-9]+)?"
)
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})")


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference in full; `digest` wins over `tag` where both are there."""

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def repository(self) -> str:
        """Host and path."""
        return f"{self.host}/{self.path}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}{'@' + self.digest if self.digest else ''}"


def parse(text: str) -> Reference:
    """Read a reference; InvalidImageName, in upstream's words, where it is none."""
    name, _, digest = text.partition("@")
    if digest and not _DIGEST.fullmatch(digest):
        raise InvalidImageName(f'couldn\'t parse image name "{text}": invalid reference format')
    last_colon = name.rfind(":")
    tag = name[last_colon + 1 :] if last_colon > name.rfind("/") else ""
    name = name[:last_colon] if tag or name.endswith(":") else name
    host, path = _split(name)
    if path != path.lower():
        raise InvalidImageName(
            f'couldn\'t parse image name "{text}": invalid reference format: repository name must be lowercase'
        )
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(path) or (tag and not _TAG.fullmatch(tag)):
        raise InvalidImageName(f'couldn\'t parse image name "{text}": invalid reference format')
    return Reference(host, path, tag or ("" if digest else DEFAULT_TAG), digest)


def _split(name: str) -> tuple[str, str]:
    """The registry's host, where the first part looks like one, and the rest."""
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host = DEFAULT_HOST if first in ("index.docker.io", DEFAULT_HOST) else first
        path = rest
    else:
        host, path = DEFAULT_HOST, name
    if host == DEFAULT_HOST and "/" not in path:
        path = f"{DEFAULT_NAMESPACE}/{path}"
    return host, path
