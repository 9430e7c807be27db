"""Read and write resolv.conf. Pure but for `of_host`."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cloudk8s.node.runtimes.interface import DNSConfig

BEHIND_RESOLVED: Final = Path("/run/systemd/resolve/resolv.conf")
"""Whom systemd's resolver asks; the host's own configuration names that resolver, by an address of its loopback."""


def of_host(path: Path, *, behind: Path = BEHIND_RESOLVED) -> DNSConfig:
    """What this host's pods may use: a resolver on the host's loopback is another one inside a pod. Blocks."""
    found = _read(path)
    if found.servers and all(map(_is_loopback, found.servers)) and behind.exists():
        return _read(behind)
    return found


def parse(text: str) -> DNSConfig:
    """Read a resolv.conf."""
    servers: list[str] = []
    searches: tuple[str, ...] = ()
    options: list[str] = []
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].split()
        if len(words) < 2:
            continue
        if words[0] == "nameserver":
            servers.append(words[1])
        elif words[0] in ("search", "domain"):
            searches = tuple(word.rstrip(".") if word != "." else word for word in words[1:])
        elif words[0] == "options":
            options += words[1:]
    return DNSConfig(tuple(servers), searches, tuple(options))


def render(config: DNSConfig) -> str:
    """A resolv.conf."""
    lines = [f"search {' '.join(config.searches)}"] if config.searches else []
    lines += [f"nameserver {server}" for server in config.servers]
    lines += [f"options {' '.join(config.options)}"] if config.options else []
    return "".join(f"{line}\n" for line in lines)


def _read(path: Path) -> DNSConfig:
    return parse(path.read_text(encoding="utf-8", errors="replace")) if path.exists() else DNSConfig()


def _is_loopback(server: str) -> bool:
    try:
        return ip_address(server.partition("%")[0]).is_loopback
    except ValueError:
        return False
