"""`kubescheduler.config.k8s.io/v1`, as far as it means something here. Upstream's names, upstream's defaults."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, model_validator

from cloudk8s.scheduler.configuration import extender
from cloudk8s.scheduler.configuration.extender import ExtenderConfiguration
from cloudk8s.scheduler.configuration.fields import Duration, Model

API_VERSION = "kubescheduler.config.k8s.io/v1"
_FIT = "NodeResourcesFit"


class Plugin(Model):
    """A plugin of a set."""

    name: str
    """As the plugin calls itself; `*` in `disabled` means all."""
    weight: int = Field(default=0, ge=0)
    """Weight of its scores; 0 is the default weight."""


class PluginSet(Model):
    """What to enable and to disable at one extension point."""

    enabled: tuple[Plugin, ...] = ()
    """Plugins to ask, in this order, after those that are enabled anyway."""
    disabled: tuple[Plugin, ...] = ()
    """Plugins not to ask."""


class Plugins(Model):
    """Plugins by extension point; `multiPoint` stands for all points that a plugin implements."""

    multi_point: PluginSet = PluginSet()
    """All extension points."""
    pre_enqueue: PluginSet = PluginSet()
    """Before a pod enters the queue."""
    queue_sort: PluginSet = PluginSet()
    """The order of the queue."""
    pre_filter: PluginSet = PluginSet()
    """Before nodes are looked at."""
    filter: PluginSet = PluginSet()
    """Which nodes can take a pod."""
    post_filter: PluginSet = PluginSet()
    """When none can."""
    pre_score: PluginSet = PluginSet()
    """Before candidates are scored."""
    score: PluginSet = PluginSet()
    """Which nodes are better."""
    reserve: PluginSet = PluginSet()
    """When a node is chosen."""
    permit: PluginSet = PluginSet()
    """Whether to bind now."""
    pre_bind: PluginSet = PluginSet()
    """Before the pod is bound."""
    bind: PluginSet = PluginSet()
    """How to bind."""
    post_bind: PluginSet = PluginSet()
    """After the pod was bound."""


class PluginConfig(Model):
    """Arguments of one plugin."""

    name: str
    """The plugin."""
    args: dict[str, Any] = Field(default_factory=dict)
    """What it takes is its own business."""


class ProfileConfiguration(Model):
    """One scheduler name and how its pods are scheduled."""

    scheduler_name: str = "default-scheduler"
    """Pods with this `spec.schedulerName` use the profile."""
    plugins: Plugins = Plugins()
    """Changes to the default plugins."""
    plugin_config: tuple[PluginConfig, ...] = ()
    """Arguments of plugins."""
    percentage_of_nodes_to_score: int | None = None
    """Accepted; all nodes are always looked at."""

    def ignoring(self, resources: Sequence[str]) -> ProfileConfiguration:
        """The same, with more resources that nodes need not have."""
        if not resources:
            return self
        args = next((item.args for item in self.plugin_config if item.name == _FIT), {})
        more = {**args, "ignoredResources": [*args.get("ignoredResources", ()), *resources]}
        others = (item for item in self.plugin_config if item.name != _FIT)
        return self.model_copy(update={"plugin_config": (*others, PluginConfig(name=_FIT, args=more))})


class LeaderElectionConfiguration(Model):
    """How replicas agree on who schedules."""

    leader_elect: bool = True
    """Whether there may be replicas."""
    lease_duration: Duration = timedelta(seconds=15)
    """After this long without a renewal others take over."""
    renew_deadline: Duration = timedelta(seconds=10)
    """After this long without a renewal the leader gives up."""
    retry_period: Duration = timedelta(seconds=2)
    """How often to try."""
    resource_lock: Literal["leases"] = "leases"
    """The kind of lock; leases."""
    resource_name: str = "kube-scheduler"
    """Name of the lease."""
    resource_namespace: str = "kube-system"
    """Namespace of the lease."""


class ClientConnection(Model):
    """How to talk to the API server."""

    kubeconfig: str = ""
    """Where it is and who we are; `--kubeconfig` wins."""
    qps: float = 0.0
    """Requests a second; 0 leaves the pace to the server."""
    burst: int = Field(default=100, gt=0)
    """Requests that may come at once on top of that."""
    content_type: str = ""
    """Accepted; JSON is spoken."""
    accept_content_types: str = ""
    """Accepted; JSON is spoken."""


class SchedulerConfiguration(Model):
    """The whole configuration."""

    api_version: Literal["kubescheduler.config.k8s.io/v1"] = "kubescheduler.config.k8s.io/v1"
    """Version of this format."""
    kind: Literal["KubeSchedulerConfiguration"] = "KubeSchedulerConfiguration"
    """The format."""
    profiles: tuple[ProfileConfiguration, ...] = (ProfileConfiguration(),)
    """One for each scheduler name."""
    extenders: tuple[ExtenderConfiguration, ...] = ()
    """Programs of others that have a say."""
    leader_election: LeaderElectionConfiguration = LeaderElectionConfiguration()
    """How replicas agree on who schedules."""
    client_connection: ClientConnection = ClientConnection()
    """How to talk to the API server."""
    pod_initial_backoff_seconds: int = Field(default=1, gt=0)
    """How long a pod that failed waits at least."""
    pod_max_backoff_seconds: int = Field(default=10, gt=0)
    """How long it waits at most, after many failures."""
    percentage_of_nodes_to_score: int | None = None
    """Accepted; all nodes are always looked at."""
    parallelism: int = 16
    """Accepted; columns are looked at in one step."""
    delay_cache_until_active: bool = False
    """Accepted; a replica that does not lead reads nothing."""
    health_z_bind_address: str = Field(
        default="", validation_alias="healthzBindAddress", serialization_alias="healthzBindAddress"
    )
    """Accepted."""
    metrics_bind_address: str = ""
    """Accepted."""
    enable_profiling: bool = True
    """Accepted."""
    enable_contention_profiling: bool = True
    """Accepted."""

    @model_validator(mode="after")
    def _have_compatible_extenders(self) -> SchedulerConfiguration:
        extender.check(self.extenders)
        return self
