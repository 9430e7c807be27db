"""Nodes."""

from __future__ import annotations

from collections.abc import Mapping

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.strategies.pod.resource_defaults import round_up
from cloudk8s.api.validation.core.node import check_node, check_node_changes

_NODE_INFO = (
    "machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion", "kubeletVersion",
    "kubeProxyVersion", "operatingSystem", "architecture",
)  # fmt: skip


class NodeStrategy(BuiltinStrategy):
    """The Node kind: kubelets create nodes with their status, so it is kept on creation."""

    namespaced = False
    has_status = True

    def zero_status(self) -> Object:
        return {
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
            "nodeInfo": dict.fromkeys(_NODE_INFO, ""),
        }

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        _mirror_pod_cidr(spec)
        self.default_status(obj)
        status = obj["status"]
        status["nodeInfo"] = dict.fromkeys(_NODE_INFO, "") | status["nodeInfo"]
        status["daemonEndpoints"].setdefault("kubeletEndpoint", {}).setdefault("Port", 0)
        if status.get("capacity") is not None and status.get("allocatable") is None:
            status["allocatable"] = dict(status["capacity"])
        round_up(status.get("capacity"))
        round_up(status.get("allocatable"))

    def prepare_create(self, obj: Object) -> None:
        spec_of(obj).pop("configSource", None)

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        unschedulable = (obj.get("spec") or {}).get("unschedulable")
        return {"spec.unschedulable": "true" if unschedulable else "false"}

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return frozenset({"spec.unschedulable"})

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        check_node(errors, obj)
        return errors

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        return self.check_create(new) + self.check_status_update(new, old)

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_node_changes(errors, new, old)


def _mirror_pod_cidr(spec: Object) -> None:
    """`podCIDR` is the first of `podCIDRs`; either gives the other."""
    single, many = spec.get("podCIDR"), spec.get("podCIDRs")
    if single and not many:
        spec["podCIDRs"] = [single]
    elif many and not single:
        spec["podCIDR"] = many[0]
    elif single and many and single != many[0]:
        spec["podCIDRs"] = [single]
