"""A group of Ingresses becomes a stack. Pure: equal inputs give an equal stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, namespace_of, spec_of, uid_of
from cloudk8s.cloud.stack.resource import Owner, Ref, Resource, Stack
from cloudk8s.plugin import NodeRef, PodTarget, Unsupported
from cloudk8s_aws.ingress.authentication import ClientSecret, sign_in
from cloudk8s_aws.ingress.group import IngressGroup
from cloudk8s_aws.ingress.options import NO_ACL, AlbOptions, TargetOptions, target_options
from cloudk8s_aws.ingress.rules import Action, Rule, default_actions, everybody, redirect, rules_of
from cloudk8s_aws.instances import provider_id
from cloudk8s_aws.load_balancers.certificates import in_order
from cloudk8s_aws.load_balancers.model import Environment
from cloudk8s_aws.load_balancers.naming import resource_name
from cloudk8s_aws.ownership import cluster_tag


@dataclass(frozen=True, slots=True)
class Backends:
    """The Services that Ingresses speak of, by `namespace/name`, with their ready endpoints, and the nodes."""

    services: Mapping[str, Object] = field(default_factory=dict, hash=False)
    pods: Mapping[str, Sequence[PodTarget]] = field(default_factory=dict, hash=False)
    nodes: tuple[NodeRef, ...] = ()
    secrets: Mapping[str, ClientSecret] = field(default_factory=dict, hash=False)
    """Those that authentication needs, by `namespace/name`."""

    def service(self, namespace: str, name: str) -> Object:
        found = self.services.get(f"{namespace}/{name}")
        if found is None:
            raise Unsupported("spec.rules", f"there is no service {namespace}/{name}")
        return found


@dataclass(frozen=True, slots=True)
class AlbRequest:
    """The whole desired state of one load balancer."""

    cluster: str
    group: IngressGroup
    options: AlbOptions
    backends: Backends


def build_alb(request: AlbRequest, environment: Environment) -> Stack:
    """A security group, a load balancer, target groups, and a listener with its rules for each port."""
    return _Builder(request, environment).build()


class _Builder:
    def __init__(self, request: AlbRequest, environment: Environment) -> None:
        self._request, self._environment = request, environment
        self._owner = request.group.owner
        self._short = name_of(request.group.members[0])
        self._targets: dict[str, Resource] = {}
        tags = {**environment.tags, **request.options.tags, cluster_tag(request.cluster): "owned"}
        self._tags = {**tags, "ingress.k8s.aws/stack": request.group.key.removeprefix("group/")}

    def build(self) -> Stack:
        options = self._request.options
        groups = self._groups()
        balancer = self._balancer(groups)
        listeners = [
            resource for port, kind in options.ports.items() for resource in self._listener(port, kind, balancer)
        ]
        owner = Owner(self._request.cluster, self._owner, f"ingress {self._request.group.key}")
        acl = Resource("web-acl", "web-acl", {"load_balancer": Ref(balancer.key), "acl": options.web_acl})
        firewall = [acl] if options.web_acl not in ("", NO_ACL) else []
        return Stack(owner, (*groups, *self._targets.values(), balancer, *firewall, *listeners))

    def _groups(self) -> list[Resource]:
        options, environment = self._request.options, self._environment
        if options.security_groups or environment.fixed_group:
            return []
        rules = [f"tcp {port}-{port} from {source}" for port in options.ports for source in options.inbound]
        name = resource_name(self._short, self._owner, self._request.cluster, "frontend")
        properties = {
            "name": name, "description": f"Load balancer of ingress {self._request.group.key}", "vpc": environment.vpc,
            "rules": sorted(rules), "tags": self._tags,
        }  # fmt: skip
        return [Resource("security-group", "security-group", properties)]

    def _balancer(self, groups: Sequence[Resource]) -> Resource:
        options, environment = self._request.options, self._environment
        name = options.name or resource_name(self._short, self._owner, self._request.cluster, "alb", options.scheme)
        chosen: list[Any] = list(options.security_groups) or [environment.fixed_group] * bool(environment.fixed_group)
        chosen += [Ref(group.key) for group in groups]
        if environment.backend_group and options.manage_node_rules and not environment.fixed_group:
            chosen.append(environment.backend_group)
        properties: dict[str, Any] = {
            "name": name, "type": "application", "scheme": options.scheme, "ip_address_type": options.ip_address_type,
            "subnets": [{"SubnetId": subnet} for subnet in environment.subnets], "security_groups": chosen,
            "tags": self._tags,
        }  # fmt: skip
        properties |= {f"attribute:{key}": value for key, value in options.attributes.items()}
        return Resource("load-balancer", f"load-balancer/{name}", properties)

    def _listener(self, port: int, kind: str, balancer: Resource) -> list[Resource]:
        options = self._request.options
        redirects = kind == "HTTP" and options.redirect_to
        members = self._request.group.members
        guard = self._sign_in if kind == "HTTPS" else everybody
        default = [redirect(options.redirect_to)] if redirects else default_actions(members, self._target, guard)
        properties: dict[str, Any] = {
            "load_balancer": Ref(balancer.key), "port": port, "protocol": kind, "actions": list(default),
            "certificates": in_order(options.certificates) if kind == "HTTPS" else [],
        }  # fmt: skip
        if kind == "HTTPS":
            properties["ssl_policy"] = options.ssl_policy
        listener = Resource("http-listener", f"listener/{port}", properties)
        rules = [] if redirects else [rule for entry in members for rule in rules_of(entry, self._target, guard)]
        return [listener, *(self._rule(listener, number, rule) for number, rule in enumerate(rules, start=1))]

    def _rule(self, listener: Resource, number: int, rule: Rule) -> Resource:
        properties = {
            "listener": Ref(listener.key), "priority": number, "conditions": list(rule.conditions),
            "actions": list(rule.actions),
        }  # fmt: skip
        return Resource("rule", f"{listener.key}/rule/{number}", properties)

    def _sign_in(self, ingress: Object, name: str) -> Action | None:
        """What has to be done first where a Service is asked for; only HTTPS can."""
        backends = self._request.backends
        return sign_in(ingress, backends.services.get(f"{namespace_of(ingress)}/{name}"), backends.secrets)

    def _target(self, ingress: Object, name: str, port: int | str) -> Ref:
        """The target group of a Service's port; one for all rules that send there."""
        service = self._request.backends.service(namespace_of(ingress), name)
        entry = _port_of(service, port)
        options = target_options(ingress, service)
        resource = self._target_group(service, entry, options)
        self._targets[resource.key] = resource
        return Ref(resource.key)

    def _target_group(self, service: Object, port: Mapping[str, Any], options: TargetOptions) -> Resource:
        number = int(port.get("nodePort") or 0) if options.target_type == "instance" else 1
        if not number:
            text = f"service {namespace_of(service)}/{name_of(service)} has no node port; use target-type: ip"
            raise Unsupported("spec.rules", text)
        fixed = (options.target_type, number, options.protocol, options.protocol_version, self._environment.vpc)
        name = resource_name(
            name_of(service), self._owner, self._request.cluster, uid_of(service), port["port"], *fixed
        )
        properties: dict[str, Any] = {
            "name": name, "protocol": options.protocol, "protocol_version": options.protocol_version, "port": number,
            "vpc": self._environment.vpc, "target_type": options.target_type, "ip_address_type": "ipv4",
            "health_check": options.health.as_property(), "members": self._members(service, port, options),
            "tags": {**self._tags, **options.tags, "ingress.k8s.aws/resource": f"{name_of(service)}:{port['port']}"},
        }  # fmt: skip
        properties |= {f"attribute:{key}": value for key, value in options.attributes.items()}
        return Resource("target-group", f"target-group/{name}", properties)

    def _members(self, service: Object, port: Mapping[str, Any], options: TargetOptions) -> list[str]:
        if options.target_type == "ip":
            pods = self._request.backends.pods.get(f"{namespace_of(service)}/{name_of(service)}", ())
            wanted = {port.get("name") or "", ""} if len(spec_of(service)["ports"]) == 1 else {port.get("name")}
            return sorted(f"{pod.address}:{pod.port}" for pod in pods if pod.service_port in wanted)
        nodes = (node for node in self._request.backends.nodes if _has(node, options.node_labels))
        known = (provider_id.parse(node.provider_id) for node in nodes)
        return sorted(f"{entry.instance}:{port['nodePort']}" for entry in known if entry is not None and entry.instance)


def _has(node: NodeRef, labels: Mapping[str, str]) -> bool:
    return all(key in node.labels and (not value or node.labels[key] == value) for key, value in labels.items())


def _port_of(service: Object, port: int | str) -> Mapping[str, Any]:
    ports: Sequence[Mapping[str, Any]] = spec_of(service).get("ports") or ()
    for entry in ports:
        if port in (entry["port"], entry.get("name") or None):
            return entry
    raise Unsupported("spec.rules", f"service {namespace_of(service)}/{name_of(service)} has no port {port}")
