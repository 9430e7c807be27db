"""The `Networks` contract, as far as a driver goes: no network of its own, but what guards the machines in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cloudk8s.cloud.stack.interface import Observation, ResourceType
from cloudk8s.cloud.stack.resource import Owner, Resource, Stack
from cloudk8s.plugin import Finding, MachineRequest, Network, NetworkCapabilities, NetworkRequest
from cloudk8s_libcloud.driver import Driver
from cloudk8s_libcloud.settings import LibcloudSettings
from cloudk8s_libcloud.surroundings import groups, key_pairs
from cloudk8s_libcloud.surroundings.groups import SecurityGroups
from cloudk8s_libcloud.surroundings.key_pairs import KeyPairs, digest_of
from cloudk8s_libcloud.surroundings.rules import rules_of

ROLES: Final = ("control-plane", "worker")


class LibcloudNetworks:
    """Made only where the driver has anything of it; what it has is known before the first call."""

    def __init__(self, driver: Driver, settings: LibcloudSettings) -> None:
        self._driver, self._settings = driver, settings
        self._has_groups, self._has_keys = has_groups(driver), has_keys(driver, settings)

    @property
    def capabilities(self) -> NetworkCapabilities:
        return NetworkCapabilities(
            creates_network=False, api_load_balancer=False, firewall=self._has_groups, nat=False, api_schemes=False,
            options=("vpc_id",) if self._has_groups else (),
        )  # fmt: skip

    def stack(self, request: NetworkRequest) -> Stack:
        resources = []
        if self._has_groups:
            vpc = str(request.options.get("vpc_id", ""))
            resources.append(Resource("security-group", groups.KEY, {"rules": rules_of(request), "vpc": vpc}))
        if self._has_keys:
            key = self._settings.ssh_public_key
            properties = {"digest": digest_of(key), "public_key": key}
            resources.append(Resource("key-pair", key_pairs.KEY, properties))
        return Stack(Owner(request.cluster, request.uid, f"cluster {request.cluster}"), tuple(resources))

    def resource_types(self) -> Sequence[ResourceType]:
        found: list[ResourceType] = [SecurityGroups(self._driver)] if self._has_groups else []
        return [*found, KeyPairs(self._driver)] if lists_keys(self._driver) else found

    def outputs(self, request: NetworkRequest, observation: Observation) -> Network:
        group, pair = observation.get(groups.KEY), observation.get(key_pairs.KEY)
        wanted = self.stack(request).resources
        if any(observation.get(resource.key) is None for resource in wanted):
            return Network(request.cluster)
        place: dict[str, str] = {}
        if group is not None:
            place |= {"security_group": groups.group_name(request.cluster), "security_group_id": group.id}
        if pair is not None and self._has_keys:
            place["key_pair"] = pair.id
        id = group.id if group is not None else request.cluster
        return Network(request.cluster, "", {f"{role}/": place for role in ROLES}, is_ready=True, id=id)

    def preflight(self, request: NetworkRequest, machines: Sequence[MachineRequest]) -> Sequence[Finding]:
        """What the cluster file asks for that the driver has not; nothing is called."""
        name, found = self._driver.name, []
        if self._settings.ssh_public_key and not self._has_keys:
            found.append(
                Finding("network", f"driver {name!r} imports no key pairs", is_fatal=False, field="ssh_public_key")
            )
        return found


def has_groups(driver: Driver) -> bool:
    """Whether machines can have a security group of their own."""
    return bool(driver.traits.security_groups) and driver.has(*groups.NEEDED)


def lists_keys(driver: Driver) -> bool:
    """Whether the account has key pairs at all."""
    return bool(driver.traits.key_pair) and driver.has(*key_pairs.NEEDED)


def has_keys(driver: Driver, settings: LibcloudSettings) -> bool:
    """Whether machines are to have a key pair, and can."""
    return bool(settings.ssh_public_key) and lists_keys(driver)


def arguments(driver: Driver, place: Mapping[str, str], options: Mapping[str, object]) -> dict[str, object]:
    """What `create_node` is told of a machine's surroundings. Pure.

    EC2 takes groups by name where a machine is in the account's default network, and by id in a subnet.
    """
    traits, found = driver.traits, dict[str, object]()
    if place.get("security_group"):
        in_subnet = bool(traits.subnet and options.get(traits.subnet))
        argument, value = (
            (traits.security_group_ids, place["security_group_id"])
            if in_subnet and traits.security_group_ids
            else (traits.security_groups, place["security_group"])
        )
        found[argument] = [value]
    if place.get("key_pair") and traits.key_pair:
        found[traits.key_pair] = place["key_pair"]
    return found
