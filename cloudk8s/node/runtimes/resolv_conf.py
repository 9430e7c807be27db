"""Read and write resolv.conf. Pure."""

from __future__ import annotations

from cloudk8s.node.runtimes.interface import DNSConfig


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
