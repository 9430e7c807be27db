"""What exists in the kernel of this host, to see what somebody has left behind."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path


def in_the_kernel() -> set[str]:
    """Network namespaces, links, addresses, routes, rules, nftables tables, mounts and control groups."""
    commands = {
        "netns": "ip netns list",
        "link": "ip -o link show",
        "address": "ip -o address show",
        "route": "ip -4 route show table all",
        "rule": "ip rule show",
        "table": "nft list tables",
    }
    found = {
        f"{kind}: {_steady(kind, line)}"
        for kind, command in commands.items()
        if shutil.which(command.split()[0])
        for line in subprocess.run(command.split(), capture_output=True, text=True, check=True).stdout.splitlines()
    }
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found |= {f"mount: {line.split()[4]}" for line in mounts}
    groups = Path("/sys/fs/cgroup").glob("**/cloudk8s*/**/")
    return found | {f"cgroup: {group}" for group in groups}


def marked(marks: Iterable[str]) -> list[str]:
    """What has one of these marks in it: others may come and go on this host meanwhile."""
    marks = list(marks)
    return sorted(item for item in in_the_kernel() if any(mark in item for mark in marks))


def _steady(kind: str, line: str) -> str:
    """Without what changes by itself: counted indices, states, lifetimes."""
    words = line.split()
    if kind == "link":
        return words[1]
    if kind == "address":
        return f"{words[1]} {words[3]}"
    if kind == "netns":
        return words[0]
    return line.strip()
