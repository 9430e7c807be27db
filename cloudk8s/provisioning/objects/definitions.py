"""CustomResourceDefinitions of our kinds. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from cloudk8s.client.interface import Object, Resource
from cloudk8s.provisioning.objects import kinds, specs

_KEPT: Final = ("type", "format", "description", "enum", "minimum", "maximum", "items", "properties", "required")
_REPLICAS: Final = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}


@dataclass(frozen=True, slots=True)
class Definition:
    """What the API is told of one kind."""

    resource: Resource
    spec: type[BaseModel]
    short: str = ""
    columns: Sequence[tuple[str, str, str]] = ()
    """Name, type, JSON path."""
    scales: bool = False

    def manifest(self) -> Object:
        resource = self.resource
        names: dict[str, Any] = {
            "plural": resource.plural, "singular": resource.kind.lower(), "kind": resource.kind,
            "listKind": f"{resource.kind}List", "categories": ["cluster-api"],
        }  # fmt: skip
        if self.short:
            names["shortNames"] = [self.short]
        subresources: dict[str, Any] = {"status": {}}
        if self.scales:
            subresources["scale"] = {**_REPLICAS, "labelSelectorPath": ".status.selector"}
        version = {
            "name": resource.version, "served": True, "storage": True, "subresources": subresources,
            "schema": {"openAPIV3Schema": schema_of(self.spec)},
            "additionalPrinterColumns": [
                {"name": name, "type": kind, "jsonPath": path}
                for name, kind, path in (*self.columns, ("Age", "date", ".metadata.creationTimestamp"))
            ],
        }  # fmt: skip
        return {
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {
                "name": f"{resource.plural}.{resource.group}",
                "labels": {f"{kinds.GROUP}/provider": "cloudk8s", f"{kinds.GROUP}/v1beta2": kinds.VERSION},
            },
            "spec": {"group": resource.group, "scope": "Namespaced", "names": names, "versions": [version]},
        }  # fmt: skip


_CLUSTER = ("Cluster", "string", ".spec.clusterName")
_REPLICA_COLUMNS = (
    ("Desired", "integer", ".spec.replicas"), ("Current", "integer", ".status.replicas"),
    ("Ready", "integer", ".status.readyReplicas"), ("Available", "integer", ".status.availableReplicas"),
    ("Up-to-date", "integer", ".status.upToDateReplicas"),
)  # fmt: skip
_AVAILABLE = ("Available", "string", '.status.conditions[?(@.type=="Available")].status')
DEFINITIONS: Final = (
    Definition(
        kinds.CLUSTERS, specs.ClusterSpec, "cl",
        (
            _AVAILABLE, ("CP Desired", "integer", ".status.controlPlane.desiredReplicas"),
            ("CP Available", "integer", ".status.controlPlane.availableReplicas"),
            ("W Desired", "integer", ".status.workers.desiredReplicas"),
            ("W Available", "integer", ".status.workers.availableReplicas"),
            ("Paused", "string", '.status.conditions[?(@.type=="Paused")].status'),
            ("Phase", "string", ".status.phase"),
        ),
    ),
    Definition(
        kinds.CONTROL_PLANES, specs.ControlPlaneSpec,
        columns=(*_REPLICA_COLUMNS, ("Version", "string", ".spec.version")), scales=True,
    ),
    Definition(
        kinds.MACHINE_DEPLOYMENTS, specs.MachineDeploymentSpec, "md",
        (_CLUSTER, _AVAILABLE, *_REPLICA_COLUMNS, ("Phase", "string", ".status.phase"),
         ("Version", "string", ".spec.template.spec.version")),
        scales=True,
    ),
    Definition(kinds.MACHINE_SETS, specs.MachineSetSpec, "ms", (_CLUSTER, *_REPLICA_COLUMNS)),
    Definition(
        kinds.MACHINES, specs.MachineSpec, "ma",
        (_CLUSTER, ("Node Name", "string", ".status.nodeRef.name"),
         ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status'), _AVAILABLE,
         ("Up-to-date", "string", '.status.conditions[?(@.type=="UpToDate")].status'),
         ("Phase", "string", ".status.phase"), ("Version", "string", ".spec.version")),
    ),
    Definition(
        kinds.MACHINE_HEALTH_CHECKS, specs.MachineHealthCheckSpec, "mhc",
        (_CLUSTER, ("Expected", "integer", ".status.expectedMachines"),
         ("Healthy", "integer", ".status.currentHealthy")),
    ),
    Definition(
        kinds.MACHINE_DRAIN_RULES, specs.MachineDrainRuleSpec, "mdr",
        (("Behavior", "string", ".spec.drain.behavior"), ("Order", "integer", ".spec.drain.order")),
    ),
    Definition(kinds.INFRASTRUCTURES, specs.InfrastructureSpec, columns=(("Provider", "string", ".spec.provider"),)),
    Definition(
        kinds.TEMPLATES, specs.MachineTemplateHolder,
        columns=(("Type", "string", ".spec.template.spec.type"), ("Spot", "boolean", ".spec.template.spec.spot")),
    ),
)  # fmt: skip


def schema_of(spec: type[BaseModel]) -> Mapping[str, Any]:
    """A structural schema: of the spec in full, of the status that it is an object."""
    described = spec.model_json_schema(by_alias=True)
    return {
        "type": "object",
        "properties": {
            "spec": _structural(described, described.get("$defs", {})),
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }


def _structural(schema: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema as the API takes it: no references, no unions but of integer and string."""
    found = dict(schema)
    if (name := found.pop("$ref", "")) or "allOf" in found:
        target = known[(name or found.pop("allOf")[0]["$ref"]).rpartition("/")[2]]
        found = {**target, **{key: value for key, value in found.items() if key == "description"}}
    if (choices := found.pop("anyOf", None)) is not None:
        left = [choice for choice in choices if choice.get("type") != "null"]
        described = {key: found[key] for key in ("description",) if key in found}
        if {choice.get("type") for choice in left} == {"integer", "string"}:
            return {"x-kubernetes-int-or-string": True, **described}
        return {**_structural(left[0], known), **described}
    kept = {key: value for key, value in found.items() if key in _KEPT}
    if "properties" in kept:
        kept["properties"] = {name: _structural(entry, known) for name, entry in kept["properties"].items()}
    if "items" in kept:
        kept["items"] = _structural(kept["items"], known)
    if kept.get("type") == "object" and "properties" not in kept:
        values = found.get("additionalProperties")
        if isinstance(values, Mapping):
            kept["additionalProperties"] = _structural(values, known)
        else:
            kept["x-kubernetes-preserve-unknown-fields"] = True
    return kept
