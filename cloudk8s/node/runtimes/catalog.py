"""The runtimes by name. Imports are late: one that is not used costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cloudk8s.errors import UserError
from cloudk8s.machinery.clock import Clock
from cloudk8s.node.runtimes.interface import Runtime

NAMES = ("host", "cri")
RuntimeFactory = Callable[..., Runtime]
"""`make(directory, *, node_name, clock, endpoint, cluster_cidrs)`; `directory` is where the runtime keeps its state."""


def make_runtime(
    name: str, directory: Path, *, node_name: str, clock: Clock, endpoint: str = "",
    cluster_cidrs: Sequence[str] = (), others: Callable[[], Mapping[str, RuntimeFactory]] = dict,
) -> Runtime:  # fmt: skip
    """The runtime of that name, with its state below `directory` or at `endpoint`; UserError for an unknown name.

    `cluster_cidrs` are the ranges of all nodes' pods, which see each other's addresses. `others` tells, where it is
    needed, the runtimes that plugins bring.
    """
    if name == "host":
        from cloudk8s.node.runtimes.host.runtime import HostRuntime

        return HostRuntime(directory / "host", clock=clock, node_name=node_name, cluster_cidrs=cluster_cidrs)
    if name == "cri":
        try:
            from cloudk8s.node.runtimes.cri.runtime import DEFAULT_ENDPOINT, CriRuntime
        except ImportError as error:
            raise UserError("the runtime cri needs gRPC; install it with: pip install 'cloudk8s[cri]'") from error
        return CriRuntime(endpoint or DEFAULT_ENDPOINT, clock=clock, directory=directory / "cri")
    found = others()
    if name in found:
        return found[name](
            directory / name, node_name=node_name, clock=clock, endpoint=endpoint, cluster_cidrs=cluster_cidrs
        )
    raise UserError(f"unknown runtime {name!r}; known are: {', '.join((*NAMES, *found))}")
