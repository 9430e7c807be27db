"""The kinds, as clients name them, and the words that Cluster API has for what is on them."""

from __future__ import annotations

from typing import Final

from cloudk8s.client.interface import Resource

GROUP: Final = "cluster.x-k8s.io"
VERSION: Final = "v1beta2"
CLUSTERS: Final = Resource(GROUP, VERSION, "clusters", "Cluster")
MACHINE_DEPLOYMENTS: Final = Resource(GROUP, VERSION, "machinedeployments", "MachineDeployment")
MACHINE_SETS: Final = Resource(GROUP, VERSION, "machinesets", "MachineSet")
MACHINES: Final = Resource(GROUP, VERSION, "machines", "Machine")
MACHINE_HEALTH_CHECKS: Final = Resource(GROUP, VERSION, "machinehealthchecks", "MachineHealthCheck")
MACHINE_DRAIN_RULES: Final = Resource(GROUP, VERSION, "machinedrainrules", "MachineDrainRule")
CONTROL_PLANES: Final = Resource(f"controlplane.{GROUP}", VERSION, "cloudk8scontrolplanes", "CloudK8sControlPlane")
INFRASTRUCTURES: Final = Resource(f"infrastructure.{GROUP}", VERSION, "cloudk8sclusters", "CloudK8sCluster")
TEMPLATES: Final = Resource(f"infrastructure.{GROUP}", VERSION, "cloudk8smachinetemplates", "CloudK8sMachineTemplate")
KINDS: Final = (
    CLUSTERS, MACHINE_DEPLOYMENTS, MACHINE_SETS, MACHINES, MACHINE_HEALTH_CHECKS, MACHINE_DRAIN_RULES, CONTROL_PLANES,
    INFRASTRUCTURES, TEMPLATES,
)  # fmt: skip

NAMESPACE: Final = "cloudk8s-system"
"""Where a cluster's objects are in its own API."""

CLUSTER_NAME: Final = f"{GROUP}/cluster-name"
DEPLOYMENT_NAME: Final = f"{GROUP}/deployment-name"
SET_NAME: Final = f"{GROUP}/set-name"
CONTROL_PLANE_LABEL: Final = f"{GROUP}/control-plane"
TEMPLATE_HASH: Final = "machine-template-hash"
PAUSED: Final = f"{GROUP}/paused"
REVISION: Final = "machinedeployment.clusters.x-k8s.io/revision"
MIN_SIZE: Final = f"{GROUP}/cluster-api-autoscaler-node-group-min-size"
MAX_SIZE: Final = f"{GROUP}/cluster-api-autoscaler-node-group-max-size"
PRE_DRAIN: Final = f"pre-drain.delete.hook.machine.{GROUP}"
PRE_TERMINATE: Final = f"pre-terminate.delete.hook.machine.{GROUP}"
DELETION_ASKED: Final = f"deletion-asked.machine.{GROUP}"
"""A mark that we put on what we know of a machine whose object somebody deleted."""

CLUSTER_FINALIZER: Final = f"cluster.{GROUP}"
MACHINE_FINALIZER: Final = f"machine.{GROUP}"
DEPLOYMENT_FINALIZER: Final = f"{GROUP}/machinedeployment"


def is_mark(annotation: str) -> bool:
    """Whether an annotation says something to those who look after machines."""
    domain = annotation.partition("/")[0]
    return domain == GROUP or domain.endswith(f".{GROUP}")
