"""A network namespace of a test's own: what runs in it leaves the host's links, tables and ports alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

ADDRESS = "192.0.2.10"
"""Of the only link besides the loopback; nodes there have it."""


@contextmanager
def own_network() -> Iterator[tuple[str, ...]]:
    """The beginning of a command that runs the rest of it in there; cgroups and files stay the host's."""
    if os.geteuid() != 0:
        pytest.skip("a network namespace needs root")
    name = f"interop-{os.getpid()}"
    inside = ("nsenter", f"--net=/run/netns/{name}")
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        for command in (
            ("link", "set", "lo", "up"), ("link", "add", "uplink", "type", "veth", "peer", "name", "nowhere"),
            ("link", "set", "nowhere", "up"),
            ("addr", "add", f"{ADDRESS}/24", "dev", "uplink"), ("link", "set", "uplink", "up"),
            ("route", "add", "default", "dev", "uplink"),
        ):  # fmt: skip
            subprocess.run([*inside, "ip", *command], check=True)
        subprocess.run([*inside, "sysctl", "-qw", "net.ipv4.ip_forward=1"], check=True)
        yield inside
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=False)
