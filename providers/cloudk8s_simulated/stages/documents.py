"""What may stand in a file of stages: kwok's kinds, as users write them, and one of ours."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

KWOK = "kwok.x-k8s.io/v1alpha1"
OURS = "simulated.cloudk8s.io/v1alpha1"
Milliseconds = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]


class Model(BaseModel):
    """A part of a document; unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(Model):
    """`key` is a jq query."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()


class Expression(Model):
    """An expression in jq or CEL."""

    expression: str


class MatchExpression(Model):
    """A condition, or one under `jq`, or an expression under `cel` that is true or not."""

    key: str = ""
    operator: Literal["", "In", "NotIn", "Exists", "DoesNotExist"] = ""
    values: tuple[str, ...] = ()
    jq: Condition | None = None
    cel: Expression | None = None


class ValueFrom(Model):
    """A query, in the old form or under `jq`, or an expression under `cel`."""

    expressionFrom: str = ""
    jq: Expression | None = None
    cel: Expression | None = None

    @property
    def query(self) -> str:
        return self.jq.expression if self.jq else self.expressionFrom


class StageSelector(Model):
    """All of it must match; nothing matches everything."""

    matchLabels: dict[str, str] = Field(default_factory=dict)
    matchAnnotations: dict[str, str] = Field(default_factory=dict)
    matchExpressions: tuple[MatchExpression, ...] = ()


class StageDelay(Model):
    """How long an object waits before it takes the stage."""

    durationMilliseconds: Milliseconds | None = None
    durationFrom: ValueFrom | None = None
    jitterDurationMilliseconds: Milliseconds | None = None
    jitterDurationFrom: ValueFrom | None = None


class StageEvent(Model):
    """An event about the object."""

    type: Literal["Normal", "Warning"] = "Normal"
    reason: str = ""
    message: str = ""


class Finalizer(Model):
    """One finalizer."""

    value: str


class StageFinalizers(Model):
    """Changes of the finalizers."""

    add: tuple[Finalizer, ...] = ()
    remove: tuple[Finalizer, ...] = ()
    empty: bool = False


class StagePatch(Model):
    """A patch of the object."""

    subresource: str = ""
    root: str = ""
    template: str
    type: Literal["json", "merge", "strategic"] | None = None
    impersonation: dict[str, Any] | None = None


class StageApply(Model):
    """An object to be made, or changed, by applying it."""

    subresource: str = ""
    template: str


class StageStep(Model):
    """One of these."""

    patch: StagePatch | None = None
    apply: StageApply | None = None
    event: StageEvent | None = None
    finalizers: StageFinalizers | None = None
    delete: bool = False


class StageNext(Model):
    """What happens, in the older form."""

    statusTemplate: str = ""
    statusSubresource: str = "status"
    statusPatchAs: dict[str, Any] | None = None
    patches: tuple[StagePatch, ...] = ()
    event: StageEvent | None = None
    finalizers: StageFinalizers | None = None
    delete: bool = False


class ResourceRef(Model):
    """Which kind; `apiGroup` is group and version, `v1` for the core."""

    apiGroup: str = "v1"
    kind: str


class StageSpec(Model):
    """A stage."""

    resourceRef: ResourceRef
    selector: StageSelector | None = None
    weight: int = 0
    weightFrom: ValueFrom | None = None
    delay: StageDelay | None = None
    next: StageNext | None = None
    steps: tuple[StageStep, ...] = ()
    immediateNextStage: bool = False


class UsageValue(Model):
    """A quantity, or a share of the request such as `80%`."""

    value: str


class ContainerUsage(Model):
    """What some containers use; without names, all."""

    containers: tuple[str, ...] = ()
    usage: dict[Literal["cpu", "memory"], UsageValue]


class UsageSelector(Model):
    """Pods by namespace and name; nothing means all."""

    matchNamespaces: tuple[str, ...] = ()
    matchNames: tuple[str, ...] = ()


class UsageSpec(Model):
    """What pods use; `selector` only where the rule is about the whole cluster."""

    selector: UsageSelector | None = None
    usages: tuple[ContainerUsage, ...] = ()


class PodBehavior(Model):
    """How pods live that no stage is about; times are in seconds."""

    startDelay: Seconds = 0.0
    """From binding to Running."""
    startJitter: Seconds = 0.0
    """At most so much longer, at random."""
    jobDuration: Seconds = 1.0
    """How long pods of Jobs run."""
    failureShare: Share = 0.0
    """Of all containers that run, how many end with an error by themselves."""
    failureAfter: Seconds = 30.0
    """When they do, on average."""


class Taint(Model):
    """A taint of a node."""

    key: str
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class NodeGroup(Model):
    """Nodes that differ from the others."""

    count: int = Field(ge=1)
    """How many; groups take the nodes in their order, and what is left is as all others."""
    capacity: dict[str, str] = Field(default_factory=dict)
    """Added to, or in place of, what all nodes have."""
    labels: dict[str, str] = Field(default_factory=dict)
    taints: tuple[Taint, ...] = ()


class NodeBehavior(Model):
    """What nodes are like, and when they die; times are in seconds."""

    capacity: dict[str, str] = Field(default_factory=dict)
    """Added to, or in place of, what a node has otherwise."""
    groups: tuple[NodeGroup, ...] = ()
    """Nodes with capacity, labels and taints of their own."""
    zones: int = Field(default=3, ge=1, le=26)
    """Nodes are spread over so many zones."""
    meanTimeBetweenFailures: Seconds = 0.0
    """Of one node, on average; 0 is never."""
    meanTimeToRepair: Seconds = 60.0
    """How long a node is down, on average."""

    def group_of(self, index: int) -> NodeGroup:
        """What the n-th node is like."""
        for group in self.groups:
            if index < group.count:
                return group
            index -= group.count
        return NodeGroup(count=1)


class CloudBehavior(Model):
    """What calls to the simulated cloud are like."""

    latency: Seconds = 0.0
    """Seconds that each takes."""
    throttled: Share = 0.0
    """Share of calls that are refused for coming too fast."""
    lost: Share = 0.0
    """Share of calls whose answer is lost."""
    lag: Seconds = 0.0
    """Seconds until listings show what was made or deleted."""
    readyAfter: dict[str, Seconds] = Field(default_factory=dict)
    """Seconds until things are ready, by kind."""
    limits: dict[str, int] = Field(default_factory=dict)
    """How many things of a kind there may be."""


class SimulationSpec(Model):
    """Everything that is not told by stages."""

    seed: int | None = None
    """The same seed gives the same delays, failures and usage."""
    pods: PodBehavior = PodBehavior()
    nodes: NodeBehavior = NodeBehavior()
    cloud: CloudBehavior = CloudBehavior()
