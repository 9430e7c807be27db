"""The whole contract with a cloud: six protocols, each optional.

Rules that hold for every method:

- It blocks. The core calls it in worker threads, with a deadline, a rate limit and a concurrency bound; give your SDK
  a time-out below the deadline. Calls for different objects run at the same time, calls for the same object never do.
- Arguments are frozen; nothing is mutated, on either side.
- It is idempotent, and safe to repeat after a crash at any point, with the answer of the first call lost.
- It takes and returns many. A bulk call answers per item: one bad item never fails the others. To raise means that
  nothing is known about any item.
- Errors are classes of `cloudk8s.errors`: `CloudNotFound`, `RetryLater(after)` while the cloud is still at work (never
  poll inside a call), `Unsupported(field)` for what can't be done until the object changes, `CloudForbidden`,
  `QuotaExceeded`. Anything else is taken as transient and retried with growing delay.
- What it makes, it tags with the cluster's id and the owner's UID; it changes and deletes nothing without its tags.
- Listing is complete or raises. A short list makes the core create twice or delete what lives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from cloudk8s.cloud.model.instance import Instance, InstanceCapabilities, NodeRef
from cloudk8s.cloud.model.interruption import Interruption
from cloudk8s.cloud.model.leftover import Fate, Leftover
from cloudk8s.cloud.model.load_balancer import (
    LoadBalancerCapabilities,
    LoadBalancerRequest,
    LoadBalancerState,
    LoadBalancerStatus,
    ServiceKey,
)
from cloudk8s.cloud.model.machine import Machine, MachineCapabilities, MachineRequest, MachineType
from cloudk8s.cloud.model.machine_group import MachineGroup
from cloudk8s.cloud.model.network import (
    ExistingNetwork,
    Finding,
    Network,
    NetworkCapabilities,
    NetworkRequest,
    NetworkSearch,
)
from cloudk8s.cloud.model.route import Route, RouteCapabilities
from cloudk8s.cloud.model.volume import Volume, VolumeCapabilities, VolumeRequest
from cloudk8s.errors import CloudError

if TYPE_CHECKING:
    from cloudk8s.cloud.stack.interface import Observation, ResourceType
    from cloudk8s.cloud.stack.plan import Plan, Step
    from cloudk8s.cloud.stack.resource import Resource, Stack

Failures = Mapping[str, CloudError]
"""What went wrong, by the item's key; items that are not in it succeeded."""


class Instances(Protocol):
    """What runs the nodes: used by the node and node-lifecycle controllers."""

    @property
    def capabilities(self) -> InstanceCapabilities: ...

    def describe(self, nodes: Sequence[NodeRef]) -> Mapping[str, Instance]:
        """Answer for many nodes, by node name, in a number of API calls that does not grow with single nodes.

        A node that is missing from the answer is none of this cloud's. State `gone` deletes the Node object, so it
        needs a positive answer; stopped is `shutdown`; throttled, forbidden, another region: `unknown`, or raise.
        Match by providerID where there is one, then by name, address or tag, and say so in `matched_by`.
        """


class Routes(Protocol):
    """Routes of pod ranges to nodes: used by the route controller."""

    @property
    def capabilities(self) -> RouteCapabilities: ...

    def list(self, nodes: Sequence[NodeRef]) -> Sequence[Route]:
        """All routes that the cluster owns, with the target resolved to one of `nodes`, blackholes flagged."""

    def create(self, routes: Sequence[Route]) -> Failures:
        """Upsert, by `Route.key`: the same target is a no-op, a stale one is replaced."""

    def delete(self, routes: Sequence[Route]) -> Failures:
        """Delete what `list` returned; absent is success."""


class LoadBalancers(Protocol):
    """Load balancers of Services: used by the service controller."""

    @property
    def capabilities(self) -> LoadBalancerCapabilities: ...

    def describe(self, services: Sequence[ServiceKey]) -> Mapping[str, LoadBalancerState]:
        """What is there for these Services, by UID; what is not there is missing from the answer.

        A few reads for any number of Services: this is what a restart costs. Return the digests that were stored by
        the last successful `ensure` and `update_targets`, and parts that a deleted load balancer left behind.
        """

    def ensure(self, request: LoadBalancerRequest) -> LoadBalancerStatus:
        """Create or converge everything for one Service, drift included.

        Raises RetryLater while the load balancer is being made. Storing `request.digest` and `targets_digest` comes
        last, so that a crash before it makes the next start ensure again.
        """

    def update_targets(self, requests: Sequence[LoadBalancerRequest]) -> Failures:
        """Make the members equal to `nodes` and `pods`, by Service UID; nothing else is touched.

        A load balancer that is not there is CloudNotFound, and not repaired here.
        """

    def delete(self, service: ServiceKey) -> None:
        """Remove the load balancer and every part of it, also parts whose load balancer is gone. Absent is success."""

    def list_owned(self) -> Sequence[LoadBalancerState]:
        """Everything that the cluster owns for any Service, dead ones too: what garbage collection works on."""


@runtime_checkable
class PlansLoadBalancers(Protocol):
    """A `LoadBalancers` that can say beforehand what it would do."""

    def plan(self, request: LoadBalancerRequest) -> Plan:
        """What `ensure` would do now; reads only."""


@runtime_checkable
class SweepsLoadBalancers(Protocol):
    """A `LoadBalancers` that can remove all that the cluster's workloads asked for, also what no Service did."""

    def sweep(self) -> None:
        """Delete all load balancers of Services and Ingresses, and what they share. Raises RetryLater meanwhile."""


class Machines(Protocol):
    """Virtual machines: used by the machine controllers of the provisioning layer."""

    @property
    def capabilities(self) -> MachineCapabilities: ...

    def list_owned(self, cluster: str) -> Sequence[Machine]:
        """All machines of a cluster that exist in any state, terminated ones as `gone` while the cloud shows them."""

    def create(self, requests: Sequence[MachineRequest]) -> Mapping[str, Machine | CloudError]:
        """Make machines, by request UID; a machine that already exists for a UID is returned, not made again."""

    def delete(self, machines: Sequence[Machine]) -> Failures:
        """Delete machines, by id; absent is success. Returns once deletion has begun."""

    def types(self) -> Sequence[MachineType]:
        """What sizes can be had; empty where the cloud does not tell."""

    def list_clusters(self) -> Sequence[str]:
        """Ids of all clusters that own anything in this account, from tags alone."""


class Networks(Protocol):
    """A cluster's network, firewall and API endpoint, as a stack that the engine plans and applies."""

    @property
    def capabilities(self) -> NetworkCapabilities: ...

    def stack(self, request: NetworkRequest) -> Stack:
        """The desired resources; pure. Raises Unsupported for what can't be built."""

    def resource_types(self) -> Sequence[ResourceType]:
        """The types of the stack's resources, ordered: each refers only to types before it."""

    def outputs(self, request: NetworkRequest, observation: Observation) -> Network:
        """What was made, from what the engine observed; pure."""


@runtime_checkable
class ListsForDeletion(Protocol):
    """A `Networks` that can find what has to be deleted with fewer calls than a whole look takes."""

    def deletion_types(self) -> Sequence[ResourceType]:
        """Types as in `resource_types`, whose listings leave out what goes with something else; empty for a whole look.

        What they list can be deleted by the types of `resource_types`.
        """

    def endpoint_types(self) -> Sequence[ResourceType]:
        """Types as in `resource_types`, as few as `outputs` needs to tell the endpoint."""

    def has_others(self, owner: str) -> bool:
        """Whether the last listing of these types showed load balancers of the cluster that others own."""


@runtime_checkable
class KeepsRecords(Protocol):
    """A `Networks` whose networks carry the record of their cluster; the account alone then tells what was declared."""

    def records(self) -> Mapping[str, Mapping[str, str]]:
        """`NetworkRequest.record` as it stands in the cloud, by cluster id, for all clusters of the account."""


@runtime_checkable
class TagsMachines(Protocol):
    """A `Machines` that can tag what exists: where there is no `Networks`, machines carry their cluster's record."""

    def tag(self, machines: Sequence[Machine], tags: Mapping[str, str]) -> Failures:
        """Set these tags, by id; others stay."""


@runtime_checkable
class KeepsSecrets(Protocol):
    """A `Networks` or `Machines` whose account keeps a small secret for each cluster, out of reach of its machines."""

    def secret(self, cluster: str) -> bytes | None:
        """The cluster's secret, if there is one."""

    def keep_secret(self, cluster: str, value: bytes) -> bytes:
        """Keep it; where there is one already that stays. Returns the one that is kept."""

    def forget_secret(self, cluster: str) -> None:
        """Delete it; absent is success."""


@runtime_checkable
class ForetellsCalls(Protocol):
    """A `Networks` or `Machines` that knows beforehand which calls that change something its work will take."""

    def network_calls(self, steps: Sequence[Step]) -> Sequence[str]:
        """Names of the API calls of a plan's steps; a step that changes nothing has none. Pure."""

    def creation_calls(self, requests: Sequence[MachineRequest]) -> Sequence[str]:
        """Names of the API calls of one `create`. Pure."""

    def deletion_calls(self, machines: int) -> Sequence[str]:
        """Names of the API calls of one `delete` of so many machines. Pure."""


@runtime_checkable
class KnowsPrices(Protocol):
    """A `Networks` or `Machines` that can estimate what things cost, in dollars an hour."""

    def resource_price(self, resource: Resource) -> float:
        """Of one resource of a network's stack; 0 is free. Pure."""

    def machine_price(self, request: MachineRequest) -> float | None:
        """Of one machine with its root volume; None is not known. Pure."""


@runtime_checkable
class ScalesGroups(Protocol):
    """A `Networks` whose cloud keeps machines in groups of a given size, made from one template each.

    Machines of a group are listed by `Machines` like others, with `Machine.group`; to delete one takes it out of its
    group, which then wants one less.
    """

    def group_types(self) -> Sequence[ResourceType]:
        """The types of a group's resources, ordered: each refers only to types before it."""

    def group_resources(self, wanted: MachineGroup) -> Sequence[Resource]:
        """What one group is made of. Pure."""

    def groups_of(self, observation: Observation) -> Sequence[MachineGroup]:
        """The groups that are there, with the number of machines that each wants; templates are left out. Pure."""

    def release_calls(self, machines: int) -> Sequence[str]:
        """Names of the API calls that delete so many machines of one group. Pure."""


@runtime_checkable
class FindsNetworks(Protocol):
    """A `Networks` that can put clusters into networks that are there already."""

    def find_network(self, search: NetworkSearch) -> ExistingNetwork:
        """What is to be used. Raises SettingsError with all that makes the network unusable; reads only."""


@runtime_checkable
class Preflights(Protocol):
    """A `Networks` that can find out beforehand what would fail later."""

    def preflight(self, request: NetworkRequest, machines: Sequence[MachineRequest]) -> Sequence[Finding]:
        """What stands in the way of making all this: permissions, quotas, types that a zone has not. Reads only."""


@runtime_checkable
class HearsInterruptions(Protocol):
    """A `Networks` whose cloud says beforehand which machines it is about to take.

    What gathers this is part of the stack of a request with `hears_interruptions`. Who takes up what is said needs a
    `Machines` that is a `TagsMachines`.
    """

    def interruptions(self, owner: str) -> Sequence[Interruption]:
        """What was said and is not forgotten; does not wait. Nothing where nothing gathers it.

        `owner` is the UID of requests.
        """

    def forget_interruptions(self, owner: str, heard: Sequence[Interruption]) -> None:
        """Not to be told of these again; absent is success."""


@runtime_checkable
class SweepsWorkloads(Protocol):
    """A `Networks` that finds what controllers of workloads made with the cluster's name: drivers of volumes, others'
    load balancer controllers.
    """

    def leftovers(self, cluster: str) -> Sequence[Leftover]:
        """All of it, in the order in which it can be deleted."""

    def write_down(self, cluster: str, fates: Mapping[str, Fate]) -> None:
        """Write on volumes and snapshots, by id, whose they are and what becomes of them; other ids are left out."""

    def delete_leftover(self, leftover: Leftover) -> None:
        """Delete it; absent is success. Raises RetryLater while something uses it."""


class Volumes(Protocol):
    """Block volumes: used by the volume controllers. Calls of one volume never overlap."""

    @property
    def capabilities(self) -> VolumeCapabilities: ...

    def list_owned(self, cluster: str) -> Sequence[Volume]:
        """All volumes of a cluster."""

    def create(self, request: VolumeRequest) -> Volume:
        """Make a volume; one that already exists for the UID is returned."""

    def attach(self, volume_id: str, provider_id: str) -> str:
        """Attach to a node and return the device; attached there already is success. Raises RetryLater meanwhile."""

    def detach(self, volume_id: str, provider_id: str) -> None:
        """Detach from a node; not attached is success. Raises RetryLater meanwhile."""

    def expand(self, volume_id: str, size_gib: int) -> None:
        """Grow to at least this size."""

    def delete(self, volume_id: str) -> None:
        """Delete; absent is success."""


Contract = Instances | Routes | LoadBalancers | Machines | Networks | Volumes
