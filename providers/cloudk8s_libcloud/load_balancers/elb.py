"""Classic ELB through libcloud, with what its driver leaves out or gets wrong put right by subclassing.

- A balancer is made with its node port as front port; listeners can't be added (the call returns before it is made).
- Listings stop after the first page, and tell neither listeners nor health checks.
- Members are attached one call at a time; tags are read one balancer at a time, and can't be written.
- The endpoint can't be chosen, so there is no way to an emulator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cloudk8s_libcloud.load_balancers.adapter import Adapter, Balancer, Wanted, is_ours
from cloudk8s_libcloud.load_balancers.naming import Listener

TAGS_AT_ONCE = 20
INTERVAL, TIMEOUT, HEALTHY, UNHEALTHY = 10, 5, 2, 2


class ElbAdapter(Adapter):
    """Several ports, tags, health checks, and members by the ids of EC2 instances."""

    def list(self, driver: Any, prefix: str) -> Sequence[Balancer]:
        found = [entry for entry in driver.ex_describe() if is_ours(entry["name"], prefix)]
        tags = driver.ex_tags([entry["name"] for entry in found])
        return [_balancer(entry, tags.get(entry["name"], {})) for entry in found]

    def with_members(self, driver: Any, balancer: Balancer) -> Balancer:
        return balancer  # listing has told them

    def create(self, driver: Any, wanted: Wanted) -> Balancer:
        address = driver.ex_create(wanted.name, wanted.listeners, wanted.tags, **self._options)
        made = Balancer(wanted.name, wanted.name, address, "ready", wanted.listeners, (), "", wanted.tags)
        self.set_check(driver, made, wanted)
        self.set_members(driver, made, wanted)
        return made

    def set_members(self, driver: Any, balancer: Balancer, wanted: Wanted) -> None:
        present, members = set(balancer.members or ()), set(wanted.members)
        driver.ex_instances("DeregisterInstancesFromLoadBalancer", balancer.name, sorted(present - members))
        driver.ex_instances("RegisterInstancesWithLoadBalancer", balancer.name, sorted(members - present))

    def set_listeners(self, driver: Any, balancer: Balancer, wanted: Wanted) -> None:
        present = set(balancer.listeners)
        driver.ex_delete_listeners(balancer.name, sorted(present - set(wanted.listeners)))
        driver.ex_create_listeners(balancer.name, sorted(set(wanted.listeners) - present))

    def set_check(self, driver: Any, balancer: Balancer, wanted: Wanted) -> None:
        driver.ex_set_check(balancer.name, wanted.check)

    def set_tags(self, driver: Any, balancer: Balancer, tags: Mapping[str, str]) -> None:
        driver.ex_set_tags(balancer.name, tags)

    def destroy(self, driver: Any, balancer: Balancer) -> None:
        driver.ex_request("DeleteLoadBalancer", LoadBalancerName=balancer.name)


def complete_elb(driver_class: Any) -> Any:
    """The ELB driver class with what it lacks."""
    from libcloud.loadbalancer.base import Driver
    from libcloud.loadbalancer.drivers import elb

    class Complete(driver_class):  # type: ignore[misc]
        def __init__(
            self, access_id: str, secret: str, region: str, token: str | None = None, *, host: str = "",
            port: int | None = None, secure: bool = True, root: str = elb.ROOT,
        ) -> None:  # fmt: skip
            self.token, self.region, self.region_name, self._root = token, region, region, root
            place = {"host": host or elb.HOST % region, "port": port, "secure": secure}
            Driver.__init__(self, access_id, secret, token=token, region=region, **place)

        def ex_request(self, action: str, **parameters: Any) -> Any:
            return self.connection.request(self._root, params={"Action": action, **parameters}).object

        def ex_describe(self) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            marker: dict[str, str] = {}
            while True:
                answer = self.ex_request("DescribeLoadBalancers", **marker)
                found += [_described(entry) for entry in _all(answer, "LoadBalancerDescriptions/member")]
                following = _text(answer, "DescribeLoadBalancersResult/NextMarker")
                if not following:
                    return found
                marker = {"Marker": following}

        def ex_create(self, name: str, listeners: Sequence[Listener], tags: Mapping[str, str], **options: Any) -> str:
            chosen = {"AvailabilityZones": options.get("zones"), "Subnets": options.get("subnets")}
            chosen |= {"SecurityGroups": options.get("security_groups")}
            parameters = {key: value for field, values in chosen.items() for key, value in _members(field, values)}
            if not options.get("zones") and not options.get("subnets"):
                parameters["AvailabilityZones.member.1"] = f"{self.region}a"
            if scheme := options.get("scheme"):
                parameters["Scheme"] = scheme
            answer = self.ex_request(
                "CreateLoadBalancer", LoadBalancerName=name, **parameters, **_listeners(listeners), **_tags(tags)
            )
            return _text(answer, "CreateLoadBalancerResult/DNSName")

        def ex_create_listeners(self, name: str, listeners: Sequence[Listener]) -> None:
            if listeners:
                self.ex_request("CreateLoadBalancerListeners", LoadBalancerName=name, **_listeners(listeners))

        def ex_delete_listeners(self, name: str, listeners: Sequence[Listener]) -> None:
            if listeners:
                ports = dict(_members("LoadBalancerPorts", [str(entry.port) for entry in listeners]))
                self.ex_request("DeleteLoadBalancerListeners", LoadBalancerName=name, **ports)

        def ex_instances(self, action: str, name: str, ids: Sequence[str]) -> None:
            if ids:
                instances = {f"Instances.member.{n}.InstanceId": id for n, id in enumerate(ids, start=1)}
                self.ex_request(action, LoadBalancerName=name, **instances)

        def ex_set_check(self, name: str, check: str) -> None:
            numbers = {
                "Interval": INTERVAL, "Timeout": TIMEOUT, "HealthyThreshold": HEALTHY, "UnhealthyThreshold": UNHEALTHY,
                "Target": check,
            }  # fmt: skip
            values = {f"HealthCheck.{field}": str(value) for field, value in numbers.items()}
            self.ex_request("ConfigureHealthCheck", LoadBalancerName=name, **values)

        def ex_set_tags(self, name: str, tags: Mapping[str, str]) -> None:
            self.ex_request("AddTags", **{"LoadBalancerNames.member.1": name}, **_tags(tags))

        def ex_tags(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
            found: dict[str, dict[str, str]] = {}
            for start in range(0, len(names), TAGS_AT_ONCE):
                some = dict(_members("LoadBalancerNames", names[start : start + TAGS_AT_ONCE]))
                for entry in _all(self.ex_request("DescribeTags", **some), "TagDescriptions/member"):
                    tags = {_text(tag, "Key"): _text(tag, "Value") for tag in _all(entry, "Tags/member", deep=False)}
                    found[_text(entry, "LoadBalancerName")] = tags
            return found

    return Complete


def _balancer(entry: Mapping[str, Any], tags: Mapping[str, str]) -> Balancer:
    return Balancer(
        entry["name"], entry["name"], entry["address"], "ready", entry["listeners"], entry["members"], entry["check"],
        tags,
    )  # fmt: skip


def _described(entry: Any) -> dict[str, Any]:
    listeners = (
        Listener("TCP", int(_text(item, "Listener/LoadBalancerPort")), int(_text(item, "Listener/InstancePort")))
        for item in _all(entry, "ListenerDescriptions/member", deep=False)
    )
    members = (_text(item, "InstanceId") for item in _all(entry, "Instances/member", deep=False))
    return {
        "name": _text(entry, "LoadBalancerName"), "address": _text(entry, "DNSName"),
        "listeners": tuple(sorted(listeners)), "members": tuple(sorted(members)),
        "check": _text(entry, "HealthCheck/Target"),
    }  # fmt: skip


def _listeners(listeners: Sequence[Listener]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for number, entry in enumerate(listeners, start=1):
        values = {
            "LoadBalancerPort": str(entry.port), "InstancePort": str(entry.back), "Protocol": "TCP",
            "InstanceProtocol": "TCP",
        }  # fmt: skip
        parameters |= {f"Listeners.member.{number}.{field}": value for field, value in values.items()}
    return parameters


def _tags(tags: Mapping[str, str]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for number, (key, value) in enumerate(sorted(tags.items()), start=1):
        parameters |= {f"Tags.member.{number}.Key": key, f"Tags.member.{number}.Value": value}
    return parameters


def _members(field: str, values: Sequence[str] | None) -> Iterable[tuple[str, str]]:
    return [(f"{field}.member.{number}", value) for number, value in enumerate(values or (), start=1)]


def _all(element: Any, path: str, *, deep: bool = True) -> list[Any]:
    from libcloud.loadbalancer.drivers.elb import NS

    steps = "/".join(f"{{{NS}}}{step}" for step in path.split("/"))
    return list(element.findall(f".//{steps}" if deep else steps))


def _text(element: Any, path: str) -> str:
    from libcloud.loadbalancer.drivers.elb import NS

    return str(element.findtext("/".join(f"{{{NS}}}{step}" for step in path.split("/"))) or "")
