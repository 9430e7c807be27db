"""The `LoadBalancers` contract: network load balancers on the engine, with the group that they share around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from cloudk8s.cloud.stack.balancing import MARK, StackLoadBalancers
from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.interface import Observation, ResourceType
from cloudk8s.cloud.stack.plan import Plan
from cloudk8s.cloud.stack.resource import Stack
from cloudk8s.plugin import (
    Failures,
    Ingress,
    LoadBalancerCapabilities,
    LoadBalancerRequest,
    LoadBalancerState,
    LoadBalancerStatus,
    ServiceKey,
    Unsupported,
)
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.load_balancers.balancer import BalancerType, MarkType
from cloudk8s_aws.load_balancers.classic.balancer import ClassicType
from cloudk8s_aws.load_balancers.classic.model import TYPE as CLASSIC
from cloudk8s_aws.load_balancers.classic.model import build_classic, scheme_of
from cloudk8s_aws.load_balancers.environment import EnvironmentReader
from cloudk8s_aws.load_balancers.listener import ListenerType
from cloudk8s_aws.load_balancers.model import build_nlb, without_instance
from cloudk8s_aws.load_balancers.node_rule import NodeRuleType
from cloudk8s_aws.load_balancers.options import NLB_CLASS, NlbOptions, is_classic, nlb_options
from cloudk8s_aws.load_balancers.security_group import SecurityGroupType
from cloudk8s_aws.load_balancers.shared import SharedGroup
from cloudk8s_aws.load_balancers.target_group import TargetGroupType
from cloudk8s_aws.load_balancers.values import PREFIX, Annotations
from cloudk8s_aws.ownership import NETWORK
from cloudk8s_aws.settings import AwsSettings

INGRESS_OWNER = "ingress-"
MODEL = "1"
"""Part of every digest; change it when the model builds something else from the same request."""


def resource_types(api: AwsApi, *, classic: bool = False) -> Sequence[ResourceType]:
    """What a load balancer is made of; what its parts refer to comes before it."""
    older = (ClassicType(api),) if classic else ()
    return (SecurityGroupType(api), TargetGroupType(api), BalancerType(api), *older, ListenerType(api), MarkType(api))


def shared_types(api: AwsApi) -> Sequence[ResourceType]:
    """What load balancers share."""
    return (SecurityGroupType(api), NodeRuleType(api))


class Ingresses(Protocol):
    """Load balancers that others than Services ask for."""

    def owners(self) -> Sequence[str]: ...

    def delete(self, owner: str) -> None: ...


class AwsLoadBalancers:
    """See `cloudk8s.cloud.interface.LoadBalancers`."""

    def __init__(
        self, engine: Engine, reader: EnvironmentReader, shared: SharedGroup, settings: AwsSettings, *, cluster: str,
        ingresses: Callable[[], Ingresses] | None = None,
    ) -> None:  # fmt: skip
        self._ingresses = ingresses
        self._reader = reader
        self._shared = shared
        self._settings = settings
        self._stacks = StackLoadBalancers(
            cluster=cluster, engine=engine, capabilities=capabilities(settings), build=self._build, status=read_status,
            balancer_types=frozenset({"load-balancer", CLASSIC}),
            summary_types=frozenset({"load-balancer", CLASSIC, MARK}),
            member_types=frozenset({"target-group", "load-balancer", CLASSIC, MARK}),
        )  # fmt: skip

    @property
    def capabilities(self) -> LoadBalancerCapabilities:
        return self._stacks.capabilities

    def describe(self, services: Sequence[ServiceKey]) -> Mapping[str, LoadBalancerState]:
        return self._stacks.describe(services) if services else {}

    def ensure(self, request: LoadBalancerRequest) -> LoadBalancerStatus:
        with self._shared:
            status = self._stacks.ensure(request)
        classic = is_classic(request)
        warnings = () if classic else nlb_options(request, probe=self._settings.health_check).warnings
        if strangers := without_instance(request):
            shown = ", ".join(strangers[:5]) + (f" and {len(strangers) - 5} more" if len(strangers) > 5 else "")
            warnings += (f"not EC2 instances, so no targets: {shown}",)
        return replace(status, warnings=warnings)

    def update_targets(self, requests: Sequence[LoadBalancerRequest]) -> Failures:
        with self._shared:
            return self._stacks.update_targets(requests)

    def delete(self, service: ServiceKey) -> None:
        self._stacks.delete(service)
        self._shared.remove_if_unused()

    def sweep(self) -> None:
        for service in (state.service for state in self.list_owned() if not state.service.uid.startswith(NETWORK)):
            self._stacks.delete(service)
        ingresses = self._ingresses() if self._ingresses is not None else None
        for owner in ingresses.owners() if ingresses is not None else ():
            ingresses.delete(owner)  # type: ignore[union-attr]
        self._shared.remove_if_unused()

    def list_owned(self) -> Sequence[LoadBalancerState]:
        """Of Services only: Ingresses have load balancers too, and all share one group."""
        states = self._stacks.list_owned()
        shared = self._shared.owner.uid
        return [e for e in states if e.service.uid != shared and not e.service.uid.startswith(INGRESS_OWNER)]

    def plan(self, request: LoadBalancerRequest) -> Plan:
        """What `ensure` would do now; reads only."""
        return replace(self._stacks, build=self._preview).plan(request)

    def _build(self, request: LoadBalancerRequest, *, prepare: bool = True) -> Stack:
        probe = self._settings.health_check
        if not is_classic(request):
            options = nlb_options(request, probe=probe)
            return build_nlb(request, options, self._reader.read(request, options, prepare=prepare))
        if not self._settings.classic:
            raise Unsupported(
                f"metadata.annotations[{PREFIX}type]", "classic load balancers are off: set classic: true"
            )
        given = Annotations.of(request.annotations)
        options = NlbOptions(scheme=scheme_of(request), subnets=given.words("subnets"))
        environment = self._reader.read(request, options, prepare=prepare)
        return build_classic(request, environment, probe=probe)

    def _preview(self, request: LoadBalancerRequest) -> Stack:
        return self._build(request, prepare=False)


def capabilities(settings: AwsSettings) -> LoadBalancerCapabilities:
    """What network load balancers can do. The digest follows settings that change what is built."""
    from cloudk8s.cloud.stack.resource import digest

    shaping = settings.model_dump(
        mode="json", include={"subnet_ids", "security_group", "health_check", "tags", "manage_node_rules"}
    )
    return LoadBalancerCapabilities(
        protocols=frozenset({"TCP", "UDP"}), mixed_protocols=True, ip_families=frozenset({"IPv4", "IPv6"}),
        dual_stack=True, source_ranges=True, session_affinity=True, max_ports=50, classes=frozenset({NLB_CLASS}),
        node_selector_annotation=f"{PREFIX}target-node-labels",
        pod_target_annotations=frozenset({(f"{PREFIX}nlb-target-type", "ip"), (f"{PREFIX}type", "nlb-ip")}),
        revision=f"{MODEL}-{digest(shaping)[:8]}",
    )  # fmt: skip


def read_status(request: LoadBalancerRequest | None, observation: Observation) -> LoadBalancerStatus:
    """The DNS name, as soon as there is one. Of two load balancers (a migration), the newer one's."""
    kinds = ("load-balancer", CLASSIC)
    balancers = [entry for entry in observation.resources if entry.type in kinds and entry.is_alive]
    names = [str(entry.attribute("hostname")) for entry in balancers if entry.attribute("hostname")]
    return LoadBalancerStatus((Ingress(hostname=names[-1].lower()),)) if names else LoadBalancerStatus()
