"""Any load-balancer driver, spoken to in one way: the base API, with the deviations that its traits name.

Methods take the libcloud driver, and make the calls of one operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cloudk8s.cloud.model.load_balancer import HealthCheck
from cloudk8s_libcloud.load_balancers.naming import Listener, parse
from cloudk8s_libcloud.load_balancers.traits import BalancerTraits

BalancerState = Literal["ready", "pending", "failed"]


@dataclass(frozen=True, slots=True)
class Balancer:
    """A balancer as it is in the cloud. `members` and `check` are None where listing does not tell them."""

    id: str
    name: str
    address: str = ""
    state: BalancerState = "ready"
    listeners: tuple[Listener, ...] = ()
    members: tuple[str, ...] | None = None
    check: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    raw: Any = field(default=None, hash=False, compare=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A balancer as it shall be. A member is `id`, or `address:port`."""

    name: str
    listeners: tuple[Listener, ...]
    members: tuple[str, ...]
    check: str = ""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)


def _nobody(address: str) -> Any:
    raise LookupError(f"NotFound: no compute node has the address {address}")


class Adapter:
    """The base API: one port for a balancer, which its name says, and nothing to store anything in."""

    def __init__(
        self, traits: BalancerTraits, *, options: Mapping[str, Any], node: Callable[[str], Any] = _nobody
    ) -> None:
        """`node` finds the compute node with an address, for drivers that attach nothing else."""
        self.traits = traits
        self._options = options
        self._node = node

    def list(self, driver: Any, prefix: str) -> Sequence[Balancer]:
        """Every balancer of ours whose name begins so, without those that are gone."""
        from libcloud.loadbalancer.types import State

        listed = [entry for entry in driver.list_balancers() if entry.state != State.DELETED]
        return [self._balancer(entry) for entry in listed if is_ours(entry.name or "", prefix)]

    def with_members(self, driver: Any, balancer: Balancer) -> Balancer:
        """The balancer with its members."""
        members = tuple(sorted(self._member(entry) for entry in driver.balancer_list_members(balancer.raw)))
        return self._balancer(balancer.raw, members)

    def create(self, driver: Any, wanted: Wanted) -> Balancer:
        """Make it, members included."""
        from libcloud.loadbalancer.base import DEFAULT_ALGORITHM

        listener = wanted.listeners[0]
        given = [] if self.traits.members_later else [self._to_member(entry, listener) for entry in wanted.members]
        arguments: dict[str, Any] = {
            "name": wanted.name, "port": listener.port, "protocol": self.traits.protocols[listener.protocol],
            "algorithm": DEFAULT_ALGORITHM, "members": given, **self._options,
        }  # fmt: skip
        if self.traits.back_port:
            arguments[self.traits.back_port] = listener.back
        made = self._balancer(driver.create_balancer(**arguments), () if self.traits.members_later else wanted.members)
        if self.traits.members_later:
            self.set_members(driver, made, wanted)
        return made

    def set_members(self, driver: Any, balancer: Balancer, wanted: Wanted) -> None:
        """Take out before putting in: a balancer may be at its limit."""
        present = {self._member(entry): entry for entry in driver.balancer_list_members(balancer.raw)}
        for name in sorted(present.keys() - set(wanted.members)):
            driver.balancer_detach_member(balancer.raw, present[name])
        for name in sorted(set(wanted.members) - present.keys()):
            self._attach(driver, balancer, name, balancer.listeners[0])

    def set_listeners(self, driver: Any, balancer: Balancer, wanted: Wanted) -> None:
        """Balancers of the base API keep their port: another port is another balancer."""
        raise NotImplementedError("this driver's balancers keep their port")

    def set_check(self, driver: Any, balancer: Balancer, wanted: Wanted) -> None:
        """The base API has no health checks."""

    def set_tags(self, driver: Any, balancer: Balancer, tags: Mapping[str, str]) -> None:
        """The base API has no tags."""

    def destroy(self, driver: Any, balancer: Balancer) -> None:
        """Delete it. Drivers answer True, or nothing at all."""
        if driver.destroy_balancer(balancer.raw) is False:
            raise RuntimeError(f"the driver did not delete balancer {balancer.name}")

    def _balancer(self, raw: Any, members: tuple[str, ...] | None = None) -> Balancer:
        named = parse(raw.name or "")
        listener = named.listener if named else None
        listeners = (listener,) if listener else ()
        return Balancer(str(raw.id), raw.name, str(raw.ip or ""), state_of(raw), listeners, members, raw=raw)

    def _member(self, entry: Any) -> str:
        if self.traits.members == "id":
            return str(entry.id)
        return str(entry.ip) if self.traits.straight else f"{entry.ip}:{entry.port}"

    def _attach(self, driver: Any, balancer: Balancer, name: str, listener: Listener) -> None:
        if self.traits.attach == "node":
            driver.balancer_attach_compute_node(balancer.raw, self._node(name))
        else:
            driver.balancer_attach_member(balancer.raw, self._to_member(name, listener))

    def _to_member(self, name: str, listener: Listener) -> Any:
        from libcloud.loadbalancer.base import Member

        if self.traits.attach == "node":
            return self._node(name)
        if self.traits.members == "id":
            return Member(name, None, listener.back)
        address, _, port = name.rpartition(":") if ":" in name else (name, "", "")
        return Member(None, address, int(port or listener.back))


def is_ours(name: str, prefix: str) -> bool:
    """Whether a name was made here, and begins so."""
    return name.startswith(prefix) and parse(name) is not None


def state_of(raw: Any) -> BalancerState:
    """What a driver's state means: many of them never say that one is running."""
    from libcloud.loadbalancer.types import State

    states: Mapping[Any, BalancerState] = {State.PENDING: "pending", State.ERROR: "failed"}
    return states.get(raw.state, "ready")


def check_text(check: HealthCheck) -> str:
    """A health check as one word, such as `HTTP:10256/healthz`."""
    return f"{check.protocol}:{check.port}{check.path if check.protocol == 'HTTP' else ''}"
