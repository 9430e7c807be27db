"""Specs of our kinds, in Cluster API's words; the definitions that the API gets are made of these."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

IntOrString = int | str


class Spec(BaseModel):
    """A part of an object. What we do not know is kept out by the API, so it is an error here."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True
    )


class Ranges(Spec):
    """Ranges of addresses."""

    cidr_blocks: tuple[str, ...] = ()
    """Ranges, one for each family."""


class ClusterNetwork(Spec):
    """What the cluster's addresses are taken from."""

    pods: Ranges = Ranges()
    """Ranges of pods."""
    services: Ranges = Ranges()
    """Ranges of Services."""
    service_domain: str = ""
    """DNS domain of the cluster."""
    api_server_port: int = 0
    """Port of the API."""


class Endpoint(Spec):
    """Where the API is reached."""

    host: str = ""
    """Name or address."""
    port: int = 0
    """Port."""


class Reference(Spec):
    """Another object of this namespace."""

    api_group: str
    """Its group; the version is the one that is served."""
    kind: str
    """Its kind."""
    name: str
    """Its name."""


class ClusterSpec(Spec):
    """A cluster. `paused` is yours to change; the rest says what was declared."""

    paused: bool = False
    """Leave the cluster as it is: nothing is made, replaced or deleted."""
    cluster_network: ClusterNetwork = ClusterNetwork()
    """Ranges of pods and Services, and the port of the API."""
    control_plane_endpoint: Endpoint = Endpoint()
    """Where the API is reached."""
    control_plane_ref: Reference | None = None
    """The machines that run the control plane."""
    infrastructure_ref: Reference | None = None
    """Provider and network."""


class Deletion(Spec):
    """What happens before a machine goes."""

    order: Literal["Random", "Newest", "Oldest"] | None = None
    """Which healthy machines go first when there are to be fewer."""
    node_drain_timeout_seconds: int | None = Field(default=None, ge=0)
    """How long pods and volumes may take to leave; 0 is for ever."""


class MachineTaint(Spec):
    """A taint of the nodes."""

    key: str
    """The taint's key."""
    value: str = ""
    """The taint's value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
    """What it does to pods that do not tolerate it."""
    propagation: Literal["Always", "OnInitialization"] = "Always"
    """Taints are kept as declared."""


class MachineSpec(Spec):
    """One machine, or those of a set."""

    cluster_name: str = ""
    """The cluster."""
    version: str = ""
    """Version of Kubernetes; pools follow the control plane."""
    provider_id: str = Field(default="", alias="providerID")
    """The machine in the provider's words."""
    failure_domain: str = ""
    """The zone."""
    infrastructure_ref: Reference | None = None
    """What the machine is made of."""
    min_ready_seconds: int = 0
    """Machines count as available once they are ready."""
    taints: tuple[MachineTaint, ...] = ()
    """Taints of the nodes."""
    deletion: Deletion = Deletion()
    """What happens before a machine goes."""


class TemplateMetadata(Spec):
    """Labels of machines. Those that are not Cluster API's are given to their nodes, too."""

    labels: dict[str, str] = Field(default_factory=dict)
    """Labels."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations of the machines' objects."""


class MachineTemplateSpec(Spec):
    """What the machines of a set are."""

    metadata: TemplateMetadata = TemplateMetadata()
    """Labels and annotations."""
    spec: MachineSpec = MachineSpec()
    """The machines."""


class Selector(Spec):
    """A label selector."""

    match_labels: dict[str, str] = Field(default_factory=dict)
    """Labels that must be there."""
    match_expressions: tuple[dict[str, Any], ...] = ()
    """Requirements of labels."""


class RollingUpdate(Spec):
    """How many machines may be there more, or fewer."""

    max_surge: IntOrString = 1
    """How many machines there may be above the number declared."""
    max_unavailable: IntOrString = 0
    """How many machines may be missing."""


class Strategy(Spec):
    """How machines are replaced."""

    type: Literal["RollingUpdate", "OnDelete"] = "RollingUpdate"
    """`OnDelete` replaces a machine only after somebody deleted it."""
    rolling_update: RollingUpdate = RollingUpdate()
    """Bounds of a rolling update."""


class Rollout(Spec):
    """How machines are replaced."""

    strategy: Strategy = Strategy()
    """How machines are replaced."""


class Remediation(Spec):
    """How machines that are not well are replaced."""

    max_in_flight: IntOrString | None = None
    """How many at the same time."""


class MachineDeploymentSpec(Spec):
    """A pool of workers."""

    cluster_name: str = ""
    """The cluster."""
    replicas: int = Field(default=1, ge=0)
    """How many machines."""
    paused: bool = False
    """Leave the pool as it is."""
    selector: Selector = Selector()
    """Its machines."""
    template: MachineTemplateSpec = MachineTemplateSpec()
    """What they are."""
    rollout: Rollout = Rollout()
    """How they are replaced."""
    deletion: Deletion = Deletion()
    """Which ones go first."""
    remediation: Remediation = Remediation()
    """How those that are not well are replaced."""


class MachineSetSpec(Spec):
    """The machines of a pool that were made from one template."""

    cluster_name: str = ""
    """The cluster."""
    replicas: int = Field(default=0, ge=0)
    """How many there are to be."""
    selector: Selector = Selector()
    """Its machines."""
    template: MachineTemplateSpec = MachineTemplateSpec()
    """What they are."""


class UnhealthyCondition(Spec):
    """A condition that a node must not have for long."""

    type: str
    """Only `Ready` is looked at."""
    status: Literal["True", "False", "Unknown"]
    """The status that is not well."""
    timeout_seconds: int = Field(ge=0)
    """How long it may last."""


class Checks(Spec):
    """When a machine is not well."""

    node_startup_timeout_seconds: int | None = Field(default=None, ge=0)
    """How long a machine may take to become a node; 0 is for ever."""
    unhealthy_node_conditions: tuple[UnhealthyCondition, ...] = ()
    """Conditions of nodes."""


class Trigger(Spec):
    """When machines that are not well are replaced at all."""

    unhealthy_less_than_or_equal_to: IntOrString | None = None
    """Nothing is replaced while more machines than this are not well."""


class HealthRemediation(Spec):
    """What is done about machines that are not well."""

    trigger_if: Trigger = Trigger()
    """When they are replaced at all."""


class MachineHealthCheckSpec(Spec):
    """When machines of a pool are replaced because they are not well; without one they are not."""

    cluster_name: str = ""
    """The cluster."""
    selector: Selector = Selector()
    """The machines: those of one MachineDeployment, by the label `cluster.x-k8s.io/deployment-name`."""
    checks: Checks = Checks()
    """When a machine is not well."""
    remediation: HealthRemediation = HealthRemediation()
    """What is done about it."""


class Drain(Spec):
    """What becomes of pods."""

    behavior: Literal["Drain", "Skip", "WaitCompleted"]
    """They are evicted, left alone, or may finish."""
    order: int | None = None
    """Pods with a lower order leave first; 0 without."""


class PodsOfRule(Spec):
    """Pods that a rule is for."""

    selector: Selector | None = None
    """By their labels; all without."""
    namespace_selector: Selector | None = None
    """By the labels of their namespaces; all without."""


class MachinesOfRule(Spec):
    """Machines that a rule is for."""

    selector: Selector | None = None
    """By their labels; all without."""
    cluster_selector: Selector | None = None
    """By the labels of their cluster; all without."""


class MachineDrainRuleSpec(Spec):
    """Which pods leave a machine, and when; of several rules that fit a pod the first by name counts."""

    drain: Drain
    """What becomes of the pods."""
    machines: tuple[MachinesOfRule, ...] = ()
    """Which machines; all without."""
    pods: tuple[PodsOfRule, ...] = ()
    """Which pods; all without."""


class ControlPlaneTemplate(Spec):
    """What machines of the control plane are made of."""

    infrastructure_ref: Reference | None = None
    """The template."""


class ControlPlaneSpec(Spec):
    """The machines that run the control plane."""

    replicas: int = Field(default=1, ge=1)
    """How many; an odd number."""
    version: str = ""
    """Version of Kubernetes; a newer one upgrades the control plane, then the pools."""
    machine_template: ControlPlaneTemplate = ControlPlaneTemplate()
    """What they are made of."""


class InfrastructureSpec(Spec):
    """Where a cluster is, and everything about it that Cluster API has no word for, as in a cluster file."""

    provider: str = ""
    """The provider; it never changes."""
    declaration: dict[str, Any] = Field(default_factory=dict)
    """`network`, `bootstrap`, `addons`, `selfManaged` and `tags` of the cluster file."""


class MachineContent(Spec):
    """What a machine is made of, in the provider's words. A change makes new machines."""

    type: str = ""
    """Instance type or size."""
    image: str = ""
    """Image."""
    zones: tuple[str, ...] = ()
    """Zones to spread over; empty is every zone of the cluster."""
    root_volume_gib: int = Field(default=0, ge=0, alias="rootVolumeGiB")
    """Size of the root volume; 0 is the provider's default."""
    spot: bool = False
    """Use spare capacity that the cloud may take back."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags of the machines; these change in place."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Settings that only the provider knows."""


class MachineTemplate(Spec):
    """What a machine is made of."""

    spec: MachineContent = MachineContent()
    """What a machine is made of."""


class MachineTemplateHolder(Spec):
    """A template of machines."""

    template: MachineTemplate = MachineTemplate()
    """What a machine is made of."""
