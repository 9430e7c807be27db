"""The messages of CRI that are used here; `cloudk8s.drivers.messages` says how to read the table."""

from __future__ import annotations

from typing import Final

from cloudk8s.drivers.messages import read_table

_TABLE = """
VersionRequest: version=1
VersionResponse: version=1 runtime_name=2 runtime_version=3 runtime_api_version=4
StatusRequest: verbose=1:bool
StatusResponse: status=1:RuntimeStatus info=2:map runtime_handlers=3:*RuntimeHandler
RuntimeStatus: conditions=1:*RuntimeCondition
RuntimeCondition: type=1 status=2:bool reason=3 message=4
RuntimeHandlerFeatures: recursive_read_only_mounts=1:bool user_namespaces=2:bool
RuntimeHandler: name=1 features=2:RuntimeHandlerFeatures
UpdateRuntimeConfigRequest: runtime_config=1:RuntimeConfig
RuntimeConfig: network_config=1:NetworkConfig
NetworkConfig: pod_cidr=1

DNSConfig: servers=1:*string searches=2:*string options=3:*string
PortMapping: protocol=1:int container_port=2:int host_port=3:int host_ip=4
IDMapping: host_id=1:int container_id=2:int length=3:int
UserNamespace: mode=1:int uids=2:*IDMapping gids=3:*IDMapping
NamespaceOption: network=1:int pid=2:int ipc=3:int target_id=4 userns_options=5:UserNamespace
Int64Value: value=1:int
SecurityProfile: profile_type=1:int localhost_ref=2
LinuxSandboxSecurityContext: namespace_options=1:NamespaceOption run_as_user=3:Int64Value readonly_rootfs=4:bool
LinuxSandboxSecurityContext: supplemental_groups=5:*int privileged=6:bool run_as_group=8:Int64Value
LinuxSandboxSecurityContext: seccomp=9:SecurityProfile
LinuxPodSandboxConfig: cgroup_parent=1 security_context=2:LinuxSandboxSecurityContext sysctls=3:map
PodSandboxMetadata: name=1 uid=2 namespace=3 attempt=4:int
PodSandboxConfig: metadata=1:PodSandboxMetadata hostname=2 log_directory=3 dns_config=4:DNSConfig
PodSandboxConfig: port_mappings=5:*PortMapping labels=6:map annotations=7:map linux=8:LinuxPodSandboxConfig
RunPodSandboxRequest: config=1:PodSandboxConfig runtime_handler=2
RunPodSandboxResponse: pod_sandbox_id=1
PodSandboxId: pod_sandbox_id=1
PodIP: ip=1
PodSandboxNetworkStatus: ip=1 additional_ips=2:*PodIP
PodSandboxStatus: id=1 metadata=2:PodSandboxMetadata state=3:int created_at=4:int network=5:PodSandboxNetworkStatus
PodSandboxStatus: labels=7:map annotations=8:map runtime_handler=9
PodSandboxStatusResponse: status=1:PodSandboxStatus
PodSandboxFilter: id=1 label_selector=3:map
ListPodSandboxRequest: filter=1:PodSandboxFilter
PodSandbox: id=1 metadata=2:PodSandboxMetadata state=3:int created_at=4:int labels=5:map annotations=6:map
PodSandbox: runtime_handler=7
ListPodSandboxResponse: items=1:*PodSandbox

ImageSpec: image=1 annotations=2:map user_specified_image=18 runtime_handler=19
KeyValue: key=1 value=2
Mount: container_path=1 host_path=2 readonly=3:bool selinux_relabel=4:bool propagation=5:int
Mount: uidMappings=6:*IDMapping gidMappings=7:*IDMapping recursive_read_only=8:bool image=9:ImageSpec image_sub_path=10
Device: container_path=1 host_path=2 permissions=3
LinuxContainerResources: cpu_period=1:int cpu_quota=2:int cpu_shares=3:int memory_limit_in_bytes=4:int
HugepageLimit: page_size=1 limit=2:int
LinuxContainerResources: oom_score_adj=5:int cpuset_cpus=6 hugepage_limits=8:*HugepageLimit unified=9:map
Capability: add_capabilities=1:*string drop_capabilities=2:*string
LinuxContainerSecurityContext: capabilities=1:Capability privileged=2:bool namespace_options=3:NamespaceOption
LinuxContainerSecurityContext: run_as_user=5:Int64Value run_as_username=6 readonly_rootfs=7:bool
LinuxContainerSecurityContext: supplemental_groups=8:*int no_new_privs=11:bool run_as_group=12:Int64Value
LinuxContainerSecurityContext: masked_paths=13:*string readonly_paths=14:*string seccomp=15:SecurityProfile
LinuxContainerSecurityContext: apparmor=16:SecurityProfile
LinuxContainerSecurityContext: supplemental_groups_policy=17:int
LinuxContainerConfig: resources=1:LinuxContainerResources security_context=2:LinuxContainerSecurityContext
ContainerMetadata: name=1 attempt=2:int
ContainerConfig: metadata=1:ContainerMetadata image=2:ImageSpec command=3:*string args=4:*string working_dir=5
ContainerConfig: envs=6:*KeyValue mounts=7:*Mount devices=8:*Device labels=9:map annotations=10:map log_path=11
CDIDevice: name=1
ContainerConfig: CDI_devices=17:*CDIDevice
ContainerConfig: stdin=12:bool stdin_once=13:bool tty=14:bool linux=15:LinuxContainerConfig stop_signal=18:int
CreateContainerRequest: pod_sandbox_id=1 config=2:ContainerConfig sandbox_config=3:PodSandboxConfig
CreateContainerResponse: container_id=1
ContainerId: container_id=1
StopContainerRequest: container_id=1 timeout=2:int
ContainerFilter: id=1 pod_sandbox_id=3 label_selector=4:map
ListContainersRequest: filter=1:ContainerFilter
Container: id=1 pod_sandbox_id=2 metadata=3:ContainerMetadata image=4:ImageSpec image_ref=5 state=6:int created_at=7:int
Container: labels=8:map annotations=9:map image_id=10
ListContainersResponse: containers=1:*Container
LinuxContainerUser: uid=1:int gid=2:int supplemental_groups=3:*int
ContainerUser: linux=1:LinuxContainerUser
ContainerResources: linux=1:LinuxContainerResources
ContainerStatus: id=1 metadata=2:ContainerMetadata state=3:int created_at=4:int started_at=5:int finished_at=6:int
ContainerStatus: exit_code=7:int image=8:ImageSpec image_ref=9 reason=10 message=11 labels=12:map annotations=13:map
ContainerStatus: log_path=15 resources=16:ContainerResources image_id=17 user=18:ContainerUser stop_signal=19:int
ContainerStatusResponse: status=1:ContainerStatus
UpdateContainerResourcesRequest: container_id=1 linux=2:LinuxContainerResources
ExecSyncRequest: container_id=1 cmd=2:*string timeout=3:int
ExecSyncResponse: stdout=1:bytes stderr=2:bytes exit_code=3:int
ExecRequest: container_id=1 cmd=2:*string tty=3:bool stdin=4:bool stdout=5:bool stderr=6:bool
AttachRequest: container_id=1 stdin=2:bool tty=3:bool stdout=4:bool stderr=5:bool
PortForwardRequest: pod_sandbox_id=1 port=2:*int
StreamResponse: url=1

Image: id=1 repo_tags=2:*string repo_digests=3:*string size=4:int uid=5:Int64Value username=6 pinned=8:bool
ListImagesRequest:
ListImagesResponse: images=1:*Image
ImageRequest: image=1:ImageSpec
ImageStatusResponse: image=1:Image
AuthConfig: username=1 password=2 auth=3 server_address=4 identity_token=5 registry_token=6
PullImageRequest: image=1:ImageSpec auth=2:AuthConfig
PullImageResponse: image_ref=1
UInt64Value: value=1:int
FilesystemIdentifier: mountpoint=1
FilesystemUsage: timestamp=1:int fs_id=2:FilesystemIdentifier used_bytes=3:UInt64Value inodes_used=4:UInt64Value
ImageFsInfoResponse: image_filesystems=1:*FilesystemUsage

ContainerAttributes: id=1 metadata=2:ContainerMetadata labels=3:map annotations=4:map
CpuUsage: timestamp=1:int usage_core_nano_seconds=2:UInt64Value
MemoryUsage: timestamp=1:int working_set_bytes=2:UInt64Value usage_bytes=4:UInt64Value rss_bytes=5:UInt64Value
ContainerStats: attributes=1:ContainerAttributes cpu=2:CpuUsage memory=3:MemoryUsage writable_layer=4:FilesystemUsage
ListContainerStatsResponse: stats=1:*ContainerStats
NetworkInterfaceUsage: name=1 rx_bytes=2:UInt64Value rx_errors=3:UInt64Value tx_bytes=4:UInt64Value
NetworkInterfaceUsage: tx_errors=5:UInt64Value
NetworkUsage: timestamp=1:int default_interface=2:NetworkInterfaceUsage interfaces=3:*NetworkInterfaceUsage
LinuxPodSandboxStats: network=3:NetworkUsage
PodSandboxAttributes: id=1 metadata=2:PodSandboxMetadata labels=3:map annotations=4:map
PodSandboxStats: attributes=1:PodSandboxAttributes linux=2:LinuxPodSandboxStats
PodSandboxStatsResponse: stats=1:PodSandboxStats
ContainerEventResponse: container_id=1 container_event_type=2:int created_at=3:int pod_sandbox_status=4:PodSandboxStatus
Empty:
"""


MESSAGES: Final = read_table(_TABLE)
