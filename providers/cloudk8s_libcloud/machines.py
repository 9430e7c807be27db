"""The `Machines` contract on compute drivers that can tag what they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG
from cloudk8s.plugin import (
    CloudError,
    CloudNotFound,
    Failures,
    Machine,
    MachineCapabilities,
    MachineRequest,
    MachineType,
    Unsupported,
)
from cloudk8s_libcloud.driver import Driver
from cloudk8s_libcloud.nodes import addresses_of, extra_of, provider_id, state_of, tags_of, type_of
from cloudk8s_libcloud.settings import LibcloudSettings
from cloudk8s_libcloud.surroundings.networks import arguments as arguments_of
from cloudk8s_libcloud.traits import DriverTraits

ROLE_TAG = "cloudk8s.io/role"
POOL_TAG = "cloudk8s.io/pool"
MIB = 1024**2


class LibcloudMachines:
    """One at a time: the base API knows no more. What exists for a UID is looked up before anything is made."""

    def __init__(self, driver: Driver, settings: LibcloudSettings, *, cloud: str) -> None:
        self._driver = driver
        self._settings = settings
        self._cloud = cloud

    @property
    def capabilities(self) -> MachineCapabilities:
        traits = self._driver.traits
        size = traits.user_data_bytes if traits.user_data else 0
        boots = not self._settings.emulator and size > 0
        return MachineCapabilities(
            user_data_bytes=size,
            batch=1,
            root_volumes=False,
            options=self._driver.options,
            tokens=bool(traits.token),
            boots=boots,
        )

    def list_owned(self, cluster: str) -> Sequence[Machine]:
        return [self._machine(node, tags) for node, tags in self._tagged() if tags.get(CLUSTER_TAG) == cluster]

    def create(self, requests: Sequence[MachineRequest]) -> Mapping[str, Machine | CloudError]:
        if not requests:
            return {}
        present = {
            tags[OWNER_TAG]: self._machine(node, tags)
            for node, tags in self._tagged()
            if tags.get(OWNER_TAG) and self._is_there(node)
        }
        return {request.uid: present.get(request.uid) or self._make(request) for request in requests}

    def delete(self, machines: Sequence[Machine]) -> Failures:
        if not machines:
            return {}
        nodes = {str(node.id): node for node in self._driver.nodes() if self._is_there(node)}
        failed: dict[str, CloudError] = {}
        for machine in machines:
            if (node := nodes.get(machine.id)) is not None and (error := self._destroy(node)):
                failed[machine.id] = error
        return failed

    def tag(self, machines: Sequence[Machine], tags: Mapping[str, str]) -> Failures:
        nodes = {str(node.id): node for node in self._driver.nodes()}
        failed: dict[str, CloudError] = {}
        for machine in machines:
            node = nodes.get(machine.id)
            try:
                if node is None:
                    raise CloudNotFound(f"there is no machine {machine.id}")
                self._set_tags(node, tags)
            except CloudError as error:
                failed[machine.id] = error
        return failed

    def types(self) -> Sequence[MachineType]:
        sizes = self._driver.call("list_sizes", lambda driver: driver.list_sizes())
        return [_type(size) for size in sizes if size.ram]

    def list_clusters(self) -> Sequence[str]:
        return sorted(
            {tags[CLUSTER_TAG] for node, tags in self._tagged() if tags.get(CLUSTER_TAG) and self._is_there(node)}
        )

    def _set_tags(self, node: Any, tags: Mapping[str, str]) -> None:
        self._driver.call("set_tags", lambda driver: _set_tags(driver, node, self._driver.traits, tags))

    def _tagged(self) -> list[tuple[Any, Mapping[str, str]]]:
        return [(node, tags_of(node, self._driver.traits)) for node in self._driver.nodes()]

    def _make(self, request: MachineRequest) -> Machine | CloudError:
        try:
            arguments = self._arguments(request)
            made = self._driver.call("create_node", lambda driver: driver.create_node(**arguments(driver)))
        except CloudError as error:
            return error
        node = made[0] if isinstance(made, list) else made
        return self._machine(node, _tags(request))

    def _arguments(self, request: MachineRequest) -> Any:
        """A function from the driver to the arguments of `create_node`: sizes and images are objects of the driver."""
        traits = self._driver.traits
        size, image = request.type or self._settings.size, request.image or self._settings.image
        if not size or not image:
            raise Unsupported("spec", "a machine needs a size and an image: set them in the settings or in the request")
        if request.user_data and not traits.user_data:
            raise Unsupported("spec.bootstrap", f"driver {self._settings.driver!r} takes no user data")

        def make(driver: Any) -> dict[str, Any]:
            arguments: dict[str, Any] = {
                "name": request.name, "size": _size(driver, size), "image": _image(driver, image),
                traits.tags: dict(_tags(request)), **arguments_of(self._driver, request.network, request.options),
                **request.options,
            }  # fmt: skip
            if request.user_data:
                arguments[traits.user_data] = request.user_data.decode()
            if traits.token:
                arguments[traits.token] = request.token
            return arguments

        return make

    def _is_there(self, node: Any) -> bool:
        return state_of(node, self._driver.traits) != "gone"

    def _destroy(self, node: Any) -> CloudError | None:
        try:
            if not self._driver.call("destroy_node", lambda driver: driver.destroy_node(node)):
                return CloudError(f"the driver did not destroy {node.id}")
        except CloudNotFound:
            return None
        except CloudError as error:
            return error
        return None

    def _machine(self, node: Any, tags: Mapping[str, str]) -> Machine:
        states = {"gone": "gone", "shutdown": "stopped", "present": "running", "unknown": "pending"}
        traits = self._driver.traits
        pending = str(getattr(node.state, "value", node.state)).lower() in ("pending", "starting")
        return Machine(
            id=str(node.id), uid=tags.get(OWNER_TAG, ""), name=str(node.name), cluster=tags.get(CLUSTER_TAG, ""),
            state="pending" if pending else states[state_of(node, traits)],  # type: ignore[arg-type]
            provider_id=provider_id(self._cloud, node.id), role=tags.get(ROLE_TAG, "worker"),  # type: ignore[arg-type]
            pool=tags.get(POOL_TAG, ""), type=type_of(node, traits), zone=extra_of(node, traits.zone_in_extra),
            addresses=addresses_of(node), created=getattr(node, "created_at", None), tags=tags,
        )  # fmt: skip


def _tags(request: MachineRequest) -> Mapping[str, str]:
    """Ownership wins over what the user wants to call it."""
    known = {CLUSTER_TAG: request.cluster, OWNER_TAG: request.uid, ROLE_TAG: request.role, POOL_TAG: request.pool}
    return {**request.tags, **{key: value for key, value in known.items() if value}}


def _set_tags(driver: Any, node: Any, traits: DriverTraits, tags: Mapping[str, str]) -> None:
    """By the method that the driver has for it, which some want with all tags and some with new ones."""
    if not traits.set_tags:
        raise Unsupported("spec", f"driver {driver.name!r} can't tag what exists")
    present = tags_of(node, traits) if traits.sets_all_tags else {}
    getattr(driver, traits.set_tags)(node, {**present, **tags})


def _size(driver: Any, id: str) -> Any:
    from libcloud.compute.base import NodeSize

    return NodeSize(id=id, name=id, ram=0, disk=0, bandwidth=0, price=0.0, driver=driver)


def _image(driver: Any, id: str) -> Any:
    from libcloud.compute.base import NodeImage

    return NodeImage(id=id, name=id, driver=driver)


def _type(size: Any) -> MachineType:
    extra = size.extra or {}
    cpus = getattr(size, "vcpus", None) or extra.get("cpu") or extra.get("vcpu") or extra.get("guestCpus") or 1
    return MachineType(str(size.id), float(cpus), int(size.ram) * MIB, price_per_hour=float(size.price or 0))
