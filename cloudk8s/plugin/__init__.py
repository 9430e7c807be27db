"""The public plugin API: the only package that providers and plugins import.

Belongs here: hook specs, the plugin manager, registries, and in this file every name that an author needs. Forbidden
here: any particular cloud, any SDK.
"""

from __future__ import annotations

from cloudk8s.cloud.calls import Calls
from cloudk8s.cloud.directory import CloudController
from cloudk8s.cloud.interface import (
    Failures,
    ForetellsCalls,
    HearsInterruptions,
    Instances,
    KeepsRecords,
    KnowsPrices,
    LoadBalancers,
    Machines,
    Networks,
    PlansLoadBalancers,
    Preflights,
    Routes,
    ScalesGroups,
    SweepsWorkloads,
    Volumes,
)
from cloudk8s.cloud.model.cloud import Cloud
from cloudk8s.cloud.model.instance import (
    AddressType,
    Instance,
    InstanceCapabilities,
    InstanceState,
    MatchRule,
    NodeAddress,
    NodeRef,
)
from cloudk8s.cloud.model.interruption import Interruption
from cloudk8s.cloud.model.leftover import Fate, Leftover, LeftoverKind
from cloudk8s.cloud.model.load_balancer import (
    HealthCheck,
    Ingress,
    LoadBalancerCapabilities,
    LoadBalancerRequest,
    LoadBalancerState,
    LoadBalancerStatus,
    PodTarget,
    ServiceKey,
    ServicePort,
)
from cloudk8s.cloud.model.machine import Machine, MachineCapabilities, MachineRequest, MachineType
from cloudk8s.cloud.model.machine_group import MachineGroup
from cloudk8s.cloud.model.network import (
    ExistingNetwork,
    Finding,
    Network,
    NetworkCapabilities,
    NetworkRequest,
    NetworkSearch,
)
from cloudk8s.cloud.model.route import IPFamily, Route, RouteCapabilities
from cloudk8s.cloud.model.volume import Volume, VolumeCapabilities, VolumeRequest
from cloudk8s.controllers.interface import Controller, ControllerContext
from cloudk8s.errors import (
    CloudError,
    CloudForbidden,
    CloudNotFound,
    QuotaExceeded,
    RetryLater,
    SettingsError,
    Unanswered,
    Unsupported,
)
from cloudk8s.plugin.description import PluginInfo, describe_provider
from cloudk8s.plugin.discovery import Candidate
from cloudk8s.plugin.failure import PluginError
from cloudk8s.plugin.hookspecs import hookimpl, hookspec
from cloudk8s.plugin.manager import Plugins
from cloudk8s.plugin.registries import (
    AdmissionPlugins,
    Authenticators,
    Authorizers,
    BootstrapMethods,
    Commands,
    Controllers,
    Entry,
    Registry,
    Runtimes,
    SchedulerPlugins,
    StorageBackends,
)

__all__ = [
    "AddressType",
    "AdmissionPlugins",
    "Authenticators",
    "Authorizers",
    "BootstrapMethods",
    "Calls",
    "Candidate",
    "Cloud",
    "CloudController",
    "CloudError",
    "CloudForbidden",
    "CloudNotFound",
    "Commands",
    "Controller",
    "ControllerContext",
    "Controllers",
    "Entry",
    "ExistingNetwork",
    "Failures",
    "Fate",
    "Finding",
    "ForetellsCalls",
    "HealthCheck",
    "HearsInterruptions",
    "IPFamily",
    "Ingress",
    "Instance",
    "InstanceCapabilities",
    "InstanceState",
    "Instances",
    "Interruption",
    "KeepsRecords",
    "KnowsPrices",
    "Leftover",
    "LeftoverKind",
    "LoadBalancerCapabilities",
    "LoadBalancerRequest",
    "LoadBalancerState",
    "LoadBalancerStatus",
    "LoadBalancers",
    "Machine",
    "MachineCapabilities",
    "MachineGroup",
    "MachineRequest",
    "MachineType",
    "Machines",
    "MatchRule",
    "Network",
    "NetworkCapabilities",
    "NetworkRequest",
    "NetworkSearch",
    "Networks",
    "NodeAddress",
    "NodeRef",
    "PlansLoadBalancers",
    "PluginError",
    "PluginInfo",
    "Plugins",
    "PodTarget",
    "Preflights",
    "QuotaExceeded",
    "Registry",
    "RetryLater",
    "Route",
    "RouteCapabilities",
    "Routes",
    "Runtimes",
    "ScalesGroups",
    "SchedulerPlugins",
    "ServiceKey",
    "ServicePort",
    "SettingsError",
    "StorageBackends",
    "SweepsWorkloads",
    "Unanswered",
    "Unsupported",
    "Volume",
    "VolumeCapabilities",
    "VolumeRequest",
    "Volumes",
    "describe_provider",
    "hookimpl",
    "hookspec",
]  # fmt: skip
