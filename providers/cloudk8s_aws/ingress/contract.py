"""Application load balancers of groups of Ingresses, on the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.interface import ResourceType, Scope
from cloudk8s.cloud.stack.plan import Plan
from cloudk8s.cloud.stack.resource import OWNER_TAG, Owner, Stack
from cloudk8s.plugin import LoadBalancerRequest, ServiceKey, Unsupported
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.ingress.certificates import find_certificates
from cloudk8s_aws.ingress.group import OWNER
from cloudk8s_aws.ingress.listener import HttpListenerType, RuleType
from cloudk8s_aws.ingress.model import AlbRequest, build_alb
from cloudk8s_aws.ingress.web_acl import WebAclType
from cloudk8s_aws.load_balancers.balancer import BalancerType, owned_balancers
from cloudk8s_aws.load_balancers.environment import EnvironmentReader
from cloudk8s_aws.load_balancers.options import NlbOptions
from cloudk8s_aws.load_balancers.security_group import SecurityGroupType
from cloudk8s_aws.load_balancers.shared import SharedGroup
from cloudk8s_aws.load_balancers.target_group import TargetGroupType

NO_SECRETS: Mapping[str, str] = MappingProxyType({})


def resource_types(api: AwsApi, secrets: Mapping[str, str] = NO_SECRETS) -> Sequence[ResourceType]:
    """What a load balancer is made of; what its parts refer to comes before it. `secrets` by their marks."""
    return (
        SecurityGroupType(api), TargetGroupType(api), BalancerType(api), HttpListenerType(api, secrets),
        RuleType(api, secrets),
    )  # fmt: skip


class AwsIngresses:
    """Blocking and idempotent, like every contract; safe to repeat after a crash at any point."""

    def __init__(
        self, api: AwsApi, engine: Engine, reader: EnvironmentReader, shared: SharedGroup, *, cluster: str
    ) -> None:
        self._api, self._engine, self._reader, self._shared = api, engine, reader, shared
        self._cluster = cluster

    def ensure(self, request: AlbRequest) -> str:
        """Create or converge; returns the host name. Raises Unsupported for what can't be built."""
        with self._shared:
            outcome = self._engine_for(request).apply(self._stack(request, prepare=True))
            outcome.raise_for_failure()
        found = (entry for entry in outcome.observation.resources if entry.type == "load-balancer" and entry.is_alive)
        return next((str(entry.attribute("hostname") or "") for entry in found), "")

    def plan(self, request: AlbRequest) -> Plan:
        """What `ensure` would do now; reads only."""
        return self._engine_for(request).plan(self._stack(request, prepare=False))

    def delete(self, owner: str) -> None:
        """Remove every part. Absent is success."""
        self._engine.apply(Stack(Owner(self._cluster, owner))).raise_for_failure()
        self._shared.remove_if_unused()

    def owners(self) -> Sequence[str]:
        """Everyone who has such a load balancer."""
        found = owned_balancers(self._api, Scope(self._cluster))
        return sorted({tags[OWNER_TAG] for _, tags in found if tags.get(OWNER_TAG, "").startswith(OWNER)})

    def _engine_for(self, request: AlbRequest) -> Engine:
        """With the request's secrets. Firewalls are looked at only where an annotation speaks of one: others may have
        put theirs there."""
        secrets = {secret.mark: secret.secret for secret in request.backends.secrets.values()}
        firewall = [WebAclType(self._api)] if request.options.web_acl else []
        return replace(self._engine, types=[*resource_types(self._api, secrets), *firewall])

    def _stack(self, request: AlbRequest, *, prepare: bool) -> Stack:
        options = request.options
        if "HTTPS" in options.ports.values() and not options.certificates:
            options = replace(options, certificates=find_certificates(self._api, options.hosts))
        pretended = LoadBalancerRequest(
            ServiceKey(request.group.owner), request.cluster, (), nodes=request.backends.nodes
        )
        chosen = NlbOptions(scheme=options.scheme, subnets=options.subnets, manage_node_rules=options.manage_node_rules)
        environment = self._reader.read(pretended, chosen, prepare=prepare)
        if len(environment.subnets) < 2:
            raise Unsupported("metadata.annotations", "an application load balancer needs subnets in two zones")
        return build_alb(replace(request, options=options), environment)
