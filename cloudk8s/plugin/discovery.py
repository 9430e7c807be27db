"""Find plugins: the entry points of group `cloudk8s`, in an order that never changes by chance."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points, version
from types import ModuleType

GROUP = "cloudk8s"
OURS = "cloudk8s"

BUNDLED = {
    "local": "cloudk8s_local.plugin",
    "simulated": "cloudk8s_simulated.plugin",
    "aws": "cloudk8s_aws.plugin",
    "libcloud": "cloudk8s_libcloud.plugin",
    "etcd": "cloudk8s_store_etcd.plugin",
    "scheduler-interference": "cloudk8s_scheduler_interference.plugin",
    "scheduler-deadline": "cloudk8s_scheduler_deadline.plugin",
    "local-path": "cloudk8s_local_path.plugin",
    "ingress": "cloudk8s_ingress.plugin",
}
"""The entry points of our own distribution; used from a checkout that is not installed."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that may be loaded."""

    name: str
    distribution: str
    version: str
    target: str
    load: Callable[[], object]


def find_plugins(points: Iterable[EntryPoint] | None = None) -> list[Candidate]:
    """Our own plugins first, then the others by distribution and name."""
    if points is not None:
        return sorted(map(_candidate, points), key=_order)
    found = [_candidate(point) for point in entry_points(group=GROUP)]
    names = {candidate.name for candidate in found if candidate.distribution == OURS}
    found += [_from_checkout(name, target) for name, target in BUNDLED.items() if name not in names and _exists(target)]
    return sorted(found, key=_order)


def _candidate(point: EntryPoint) -> Candidate:
    distribution = point.dist
    name, release = (distribution.name, distribution.version) if distribution else ("", "")
    return Candidate(point.name, name, release, point.value, point.load)


def _from_checkout(name: str, target: str) -> Candidate:
    def load() -> ModuleType:
        return importlib.import_module(target)

    return Candidate(name, OURS, _our_version(), target, load)


def _our_version() -> str:
    from importlib.metadata import PackageNotFoundError

    try:
        return version(OURS)
    except PackageNotFoundError:
        return "checkout"


def _exists(target: str) -> bool:
    package, _, _ = target.rpartition(".")
    return importlib.util.find_spec(package) is not None and importlib.util.find_spec(target) is not None


def _order(candidate: Candidate) -> tuple[bool, str, str]:
    return candidate.distribution != OURS, candidate.distribution, candidate.name
