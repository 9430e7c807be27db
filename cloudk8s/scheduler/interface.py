"""The scheduling framework: what a plugin may implement. It implements the methods it needs, by name.

A pod goes: `sort_key` orders the queue, `pre_enqueue` lets it in ─► `pre_filter` once, `filter` for all nodes at once,
`pre_score` and `score` for those left ─► `reserve` the node, `permit` ─► in the background `pre_bind`, `bind`,
`post_bind`. Without a node, `post_filter` tries to make room. `unreserve` takes back what `reserve` did when a later
step fails.

Nodes are rows of columns. A filter answers for a slice of rows with an array of booleans, a score for the candidates
with an array of numbers from 0 to 100. Everything up to `permit` runs on the event loop and must be quick; what a
filter looks at must be read from the cluster at every call, for preemption changes the cluster and asks again.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.resources import BUILT_IN
from cloudk8s.machinery.clock import Clock

if TYPE_CHECKING:
    from cloudk8s.client.informer import Informers
    from cloudk8s.scheduler.cluster.arrays import Bools, Floats, Ints
    from cloudk8s.scheduler.cluster.cluster import Cluster
    from cloudk8s.scheduler.framework.nominations import Nominations
    from cloudk8s.scheduler.framework.waiting import WaitingPods
    from cloudk8s.scheduler.metrics import SchedulerMetrics
    from cloudk8s.scheduler.pod.pod import Pod
    from cloudk8s.scheduler.preemption.candidates import Candidate
    from cloudk8s.scheduler.reporting import Reporter

MAX_SCORE = 100
_KINDS = {resource.plural: resource.kind for resource in BUILT_IN} | {
    "pods": "UnschedulablePod", "assigned-pods": "AssignedPod",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a pod cannot go anywhere, or not yet."""

    reason: str
    is_resolvable: bool = True
    """Whether removing other pods may help."""
    plugin: str = ""
    """Filled in by the framework."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a filter rejected some rows; a row may be named by several."""

    reason: str
    rows: Bools
    """Over all rows of the cluster."""
    is_resolvable: bool = True


@dataclass(frozen=True, slots=True)
class Wait:
    """A permit that is not given yet: the pod waits until somebody allows or rejects it, or for `timeout` at most."""

    timeout: timedelta


@dataclass(slots=True)
class Candidates:
    """The nodes that passed all filters; `rows` indexes columns, and scores come in the same order."""

    rows: slice | Ints
    count: int


@dataclass(slots=True)
class Cycle:
    """One attempt to place one pod. Plugins keep what they work out in `state` under their names."""

    pod: Pod
    cluster: Cluster
    state: dict[str, Any] = field(default_factory=dict)
    alive: Bools | None = None
    """While filters run: the rows that passed those before. Costly filters need not look at others."""
    names: frozenset[str] | None = None
    """The only nodes to look at, where a plugin's `pre_filter` says so."""


@dataclass(frozen=True, slots=True)
class ClusterEvent:
    """Something happened that may make room for a pod: an object of `resource` came, changed or went."""

    resource: str
    """The plural: pods are `assigned-pods` here, those that run on nodes, and `pods`, the waiting pod itself."""
    action: str
    """add, update or delete."""
    old: Object | None = None
    new: Object | None = None

    @property
    def object(self) -> Object:
        return self.new or self.old or {}

    @property
    def label(self) -> str:
        """Upstream's name for such events: `NodeAdd`, `AssignedPodDelete`."""
        return f"{_KINDS.get(self.resource, self.resource)}{self.action.capitalize()}"


Hint = Callable[["Pod", ClusterEvent], bool]
"""Whether an event may make a pod schedulable that the plugin has rejected; quick, and True when in doubt."""


@dataclass(frozen=True, slots=True)
class Interest:
    """Events that may help a pod which the plugin rejected."""

    resource: str
    actions: frozenset[str]
    hint: Hint | None = None


@dataclass(frozen=True, slots=True)
class Handle:
    """What plugins are given when they are made."""

    cluster: Cluster
    client: Client
    informers: Informers
    clock: Clock
    random: random.Random
    nominations: Nominations
    """Pods that room is being made for."""
    waiting: WaitingPods
    """Pods that wait for a permit."""
    reporter: Reporter
    fits: Callable[[Cycle, int], bool]
    """Whether all filters of the profile accept the node in a slot."""
    short_of_resources: Callable[[Cycle], tuple[Bools, Mapping[str, int]] | None]
    """Rows where nothing but resources can be short, and what is needed; None if other pods matter in other ways."""
    spawn: Callable[[Coroutine[Any, Any, None], str], None]
    """Run something named in the background, for as long as the scheduler runs."""
    revive: Callable[[str], None]
    """Give an unschedulable pod, by its key, another chance."""
    metrics: SchedulerMetrics
    shared: defaultdict[str, dict[Any, Any]] = field(default_factory=lambda: defaultdict(dict))
    """What plugins of all profiles know together, each under a name of its own: above all what they have assumed."""


class Plugin(Protocol):
    """Every plugin has a name, by which profiles and configurations call it.

    One whose filters look at nothing but the pod's shape and the cluster says so with `goes_by_shape = True`; a failure
    may then be reused for the next pod of the shape. A filter may have a method `depends_on_pods(cycle)`: False means
    that other pods do not matter to its answer, which saves trials when room has to be made.
    """

    name: str


Factory = Callable[[Mapping[str, Any], Handle], Plugin]
"""Makes a plugin from its arguments (`pluginConfig`), once for each profile that uses it."""


@runtime_checkable
class QueueSort(Protocol):
    """Orders waiting pods. One for all profiles."""

    def sort_key(self, pod: Pod, since: float) -> Any:
        """The pod with the smallest key goes first; `since` is when it was first queued."""


@runtime_checkable
class PreEnqueue(Protocol):
    """Keeps pods out of the queue."""

    def pre_enqueue(self, pod: Pod) -> Refusal | None:
        """Why the pod must not be tried; None if it may."""


@runtime_checkable
class Interested(Protocol):
    """Knows which events may help the pods that it rejects; without this, every event may."""

    def interests(self) -> Sequence[Interest]:
        """The events."""


@runtime_checkable
class PreFilter(Protocol):
    """Looks at the pod before nodes are looked at."""

    def pre_filter(self, cycle: Cycle) -> Refusal | frozenset[str] | None:
        """A refusal ends the attempt; names limit it to these nodes."""


@runtime_checkable
class Filter(Protocol):
    """Says which nodes can take the pod."""

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        """True for each row that can; None if all can."""

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        """Why the filter rejected these rows; asked only when no node is left. Rows that stay unnamed get no reason."""


@runtime_checkable
class NeedsResources(Protocol):
    """A filter that compares what pods request with what nodes have, and does nothing else."""

    def needed(self, cycle: Cycle) -> Mapping[str, int]:
        """What the pod needs of each resource."""


@runtime_checkable
class PostFilter(Protocol):
    """Tries to make room when no node is left."""

    def post_filter(self, cycle: Cycle, resolvable: Bools) -> Nomination | None:
        """What was done or why nothing was; `resolvable` are the rows where removing pods may help."""


Asking = Callable[["Pod", "Sequence[Candidate]"], Awaitable["Sequence[Candidate]"]]
"""Has others say which candidates for preemption will do."""


@runtime_checkable
class AskingPostFilter(Protocol):
    """A post-filter that can have others agree to what it does."""

    async def post_filter_asking(self, cycle: Cycle, resolvable: Bools, ask: Asking) -> Nomination | None:
        """As `post_filter`."""


@dataclass(frozen=True, slots=True)
class Nomination:
    """The outcome of making room."""

    node: str | None
    """Where room is being made; empty if nowhere, None if an earlier nomination still stands."""
    message: str = ""
    """Why there is no room."""


@runtime_checkable
class PreScore(Protocol):
    """Looks at the candidates before they are scored, for what several scores or later steps need."""

    def pre_score(self, cycle: Cycle, candidates: Candidates) -> None:
        """Keep it in the cycle's state."""


@runtime_checkable
class Score(Protocol):
    """Says how good each candidate is."""

    def score(self, cycle: Cycle, candidates: Candidates) -> Floats | Ints | None:
        """0 to 100 for each candidate; None if they are all alike."""


@runtime_checkable
class Reserve(Protocol):
    """Takes something when a node is chosen."""

    def reserve(self, cycle: Cycle, node: str) -> Refusal | None:
        """Take it; a refusal makes the attempt fail."""

    def unreserve(self, cycle: Cycle, node: str) -> None:
        """Give it back; idempotent."""


@runtime_checkable
class Permit(Protocol):
    """Has the last word before the pod is bound."""

    def permit(self, cycle: Cycle, node: str) -> Refusal | Wait | None:
        """None lets it go."""


@runtime_checkable
class PreBind(Protocol):
    """Prepares the node, in the background."""

    async def pre_bind(self, cycle: Cycle, node: str) -> Refusal | None:
        """Return when the pod can be bound; errors of the API are raised."""


@runtime_checkable
class Bind(Protocol):
    """Binds, in the background."""

    async def bind(self, cycle: Cycle, node: str) -> bool:
        """Whether the pod was bound; False leaves it to the next plugin."""


@runtime_checkable
class PostBind(Protocol):
    """Hears that a pod was bound."""

    def post_bind(self, cycle: Cycle, node: str) -> None:
        """Clean up."""
