"""The messages of CSI v1; `cloudk8s.drivers.messages` says how to read the table."""

from __future__ import annotations

from typing import Final

from cloudk8s.drivers.codec import Codec
from cloudk8s.drivers.messages import read_table

_TABLE = """
Empty:
BoolValue: value=1:bool
GetPluginInfoResponse: name=1 vendor_version=2 manifest=3:map
ProbeResponse: ready=1:BoolValue
Capability: type=1:int
PluginCapability: service=1:Capability volume_expansion=2:Capability
GetPluginCapabilitiesResponse: capabilities=1:*PluginCapability
RpcCapability: rpc=1:Capability
GetCapabilitiesResponse: capabilities=1:*RpcCapability

CapacityRange: required_bytes=1:int limit_bytes=2:int
MountVolume: fs_type=1 mount_flags=2:*string volume_mount_group=3
AccessMode: mode=1:int
VolumeCapability: block=1:Empty mount=2:MountVolume access_mode=3:AccessMode
Topology: segments=1:map
TopologyRequirement: requisite=1:*Topology preferred=2:*Topology
SnapshotSource: snapshot_id=1
VolumeSource: volume_id=1
VolumeContentSource: snapshot=1:SnapshotSource volume=2:VolumeSource
Volume: capacity_bytes=1:int volume_id=2 volume_context=3:map content_source=4:VolumeContentSource
Volume: accessible_topology=5:*Topology
CreateVolumeRequest: name=1 capacity_range=2:CapacityRange volume_capabilities=3:*VolumeCapability parameters=4:map
CreateVolumeRequest: secrets=5:map volume_content_source=6:VolumeContentSource
CreateVolumeRequest: accessibility_requirements=7:TopologyRequirement mutable_parameters=8:map
CreateVolumeResponse: volume=1:Volume
DeleteVolumeRequest: volume_id=1 secrets=2:map
ControllerPublishVolumeRequest: volume_id=1 node_id=2 volume_capability=3:VolumeCapability readonly=4:bool
ControllerPublishVolumeRequest: secrets=5:map volume_context=6:map
ControllerPublishVolumeResponse: publish_context=1:map
ControllerUnpublishVolumeRequest: volume_id=1 node_id=2 secrets=3:map
ControllerExpandVolumeRequest: volume_id=1 capacity_range=2:CapacityRange secrets=3:map
ControllerExpandVolumeRequest: volume_capability=4:VolumeCapability
ControllerExpandVolumeResponse: capacity_bytes=1:int node_expansion_required=2:bool

NodeGetInfoResponse: node_id=1 max_volumes_per_node=2:int accessible_topology=3:Topology
NodeStageVolumeRequest: volume_id=1 publish_context=2:map staging_target_path=3 volume_capability=4:VolumeCapability
NodeStageVolumeRequest: secrets=5:map volume_context=6:map
NodeUnstageVolumeRequest: volume_id=1 staging_target_path=2
NodePublishVolumeRequest: volume_id=1 publish_context=2:map staging_target_path=3 target_path=4
NodePublishVolumeRequest: volume_capability=5:VolumeCapability readonly=6:bool secrets=7:map volume_context=8:map
NodeUnpublishVolumeRequest: volume_id=1 target_path=2
NodeGetVolumeStatsRequest: volume_id=1 volume_path=2 staging_target_path=3
VolumeUsage: available=1:int total=2:int used=3:int unit=4:int
VolumeCondition: abnormal=1:bool message=2
NodeGetVolumeStatsResponse: usage=1:*VolumeUsage volume_condition=2:VolumeCondition
NodeExpandVolumeRequest: volume_id=1 volume_path=2 capacity_range=3:CapacityRange staging_target_path=4
NodeExpandVolumeRequest: volume_capability=5:VolumeCapability secrets=6:map
NodeExpandVolumeResponse: capacity_bytes=1:int
"""

MESSAGES: Final = read_table(_TABLE)
CODEC: Final = Codec(MESSAGES)
