"""Which login fits which image: by host, port and the beginning of the path, as the kubelet's keyring matches them."""

from __future__ import annotations

import fnmatch

DOCKER_HUB = ("index.docker.io", "registry-1.docker.io")


def fits(pattern: str, reference: str) -> bool:
    """Whether a login for `pattern` is one for an image.

    `*` stands for one part of a host name or less: `*.example.com` fits `a.example.com`, not `b.a.example.com`.
    A pattern's path must be the beginning of the image's name, part by part.
    """
    wanted = pattern.removeprefix("https://").removeprefix("http://").rstrip("/")
    for suffix in ("/v1", "/v2"):
        wanted = wanted.removesuffix(suffix)
    host, *path = wanted.split("/")
    if host in DOCKER_HUB:
        host = "docker.io"
    given, *parts = full_name(reference).split("/")
    return _hosts_fit(host, given) and parts[: len(path)] == path


def full_name(reference: str) -> str:
    """An image's name with its registry, without tag and digest."""
    name = reference.partition("@")[0]
    first, slash, rest = name.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    if not is_host:
        first, rest = "docker.io", name if slash else f"library/{name}"
    return f"{first}/{rest.partition(':')[0]}"


def _hosts_fit(pattern: str, host: str) -> bool:
    wanted, given = pattern.partition(":"), host.partition(":")
    if wanted[2] != given[2]:
        return False
    globs, parts = wanted[0].split("."), given[0].split(".")
    return len(globs) == len(parts) and all(fnmatch.fnmatchcase(p, g) for p, g in zip(parts, globs, strict=True))
