"""The built-in plugins by name, in the order in which they are asked by default, with their weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cloudk8s.scheduler.interface import Factory
from cloudk8s.scheduler.plugins.balanced_allocation import BalancedAllocation
from cloudk8s.scheduler.plugins.default_binder import DefaultBinder
from cloudk8s.scheduler.plugins.default_preemption import DefaultPreemption
from cloudk8s.scheduler.plugins.dynamic_resources import DynamicResources
from cloudk8s.scheduler.plugins.image_locality import ImageLocality
from cloudk8s.scheduler.plugins.inter_pod_affinity import InterPodAffinity
from cloudk8s.scheduler.plugins.node_affinity import NodeAffinity
from cloudk8s.scheduler.plugins.node_declared_features import NodeDeclaredFeatures
from cloudk8s.scheduler.plugins.node_name import NodeName
from cloudk8s.scheduler.plugins.node_ports import NodePorts
from cloudk8s.scheduler.plugins.node_unschedulable import NodeUnschedulable
from cloudk8s.scheduler.plugins.node_volume_limits import NodeVolumeLimits
from cloudk8s.scheduler.plugins.priority_sort import PrioritySort
from cloudk8s.scheduler.plugins.resource_fit import ResourceFit
from cloudk8s.scheduler.plugins.scheduling_gates import SchedulingGates
from cloudk8s.scheduler.plugins.taint_toleration import TaintToleration
from cloudk8s.scheduler.plugins.topology_spread import TopologySpread
from cloudk8s.scheduler.plugins.volume_binding import VolumeBinding
from cloudk8s.scheduler.plugins.volume_restrictions import VolumeRestrictions
from cloudk8s.scheduler.plugins.volume_zone import VolumeZone

BUILT_IN: Final[Mapping[str, Factory]] = {
    "SchedulingGates": SchedulingGates,
    "PrioritySort": PrioritySort,
    "NodeUnschedulable": NodeUnschedulable,
    "NodeName": NodeName,
    "TaintToleration": TaintToleration,
    "NodeAffinity": NodeAffinity,
    "NodePorts": NodePorts,
    "NodeResourcesFit": ResourceFit,
    "VolumeRestrictions": VolumeRestrictions,
    "NodeVolumeLimits": NodeVolumeLimits,
    "VolumeBinding": VolumeBinding,
    "VolumeZone": VolumeZone,
    "PodTopologySpread": TopologySpread,
    "InterPodAffinity": InterPodAffinity,
    "DynamicResources": DynamicResources,
    "NodeDeclaredFeatures": NodeDeclaredFeatures,
    "DefaultPreemption": DefaultPreemption,
    "NodeResourcesBalancedAllocation": BalancedAllocation,
    "ImageLocality": ImageLocality,
    "DefaultBinder": DefaultBinder,
}
WEIGHTS: Final[Mapping[str, int]] = {
    "TaintToleration": 3, "NodeAffinity": 2, "PodTopologySpread": 2, "InterPodAffinity": 2,
}  # fmt: skip
"""Of those that score; 1 where nothing is said."""
