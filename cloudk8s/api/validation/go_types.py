"""Fields of upstream's internal types, in their order: `GoName:type`, with `@jsonName` where it can't be derived.

Types: `string int bool intstr quantity time`, a struct's name, `[]item`, `*pointer`, `map:item`.
A field without a name is an embedded struct. `@^/x` takes `x` from the struct around this one.
"""

from __future__ import annotations

from typing import Final

_VOLUME_SOURCES: Final = (
    "HostPath:*HostPath EmptyDir:*EmptyDir GCEPersistentDisk:*GCEDisk AWSElasticBlockStore:*AWSStore GitRepo:*GitRepo "
    "Secret:*SecretSource NFS:*NFS ISCSI:*ISCSI Glusterfs:*Glusterfs PersistentVolumeClaim:*ClaimSource RBD:*RBD "
    "Quobyte:*Quobyte FlexVolume:*Flex Cinder:*Cinder CephFS:*CephFS@cephfs Flocker:*Flocker DownwardAPI:*DownwardAPI "
    "FC:*FC AzureFile:*AzureFile ConfigMap:*ConfigMapSource VsphereVolume:*Vsphere AzureDisk:*AzureDisk "
    "PhotonPersistentDisk:*Photon Projected:*Projected PortworxVolume:*Portworx ScaleIO:*ScaleIO "
    "StorageOS:*StorageOS@storageos CSI:*CSI Ephemeral:*Ephemeral Image:*ImageSource"
)
_CONTAINER: Final = (
    "Name:string Image:string Command:[]string Args:[]string WorkingDir:string Ports:[]ContainerPort "
    "EnvFrom:[]EnvFrom Env:[]EnvVar Resources:Resources ResizePolicy:[]ResizePolicy RestartPolicy:*string "
    "RestartPolicyRules:[]RestartRule VolumeMounts:[]VolumeMount VolumeDevices:[]VolumeDevice LivenessProbe:*Probe "
    "ReadinessProbe:*Probe StartupProbe:*Probe Lifecycle:*Lifecycle TerminationMessagePath:string "
    "TerminationMessagePolicy:string ImagePullPolicy:string SecurityContext:*SecurityContext Stdin:bool "
    "StdinOnce:bool TTY:bool"
)
_ISCSI: Final = (
    "TargetPortal:string IQN:string Lun:int ISCSIInterface:string FSType:string ReadOnly:bool Portals:[]string "
    "DiscoveryCHAPAuth:bool@chapAuthDiscovery SessionCHAPAuth:bool@chapAuthSession SecretRef:*{} InitiatorName:*string"
)
_RBD: Final = (
    "CephMonitors:[]string@monitors RBDImage:string@image FSType:string RBDPool:string@pool RadosUser:string@user "
    "Keyring:string SecretRef:*{} ReadOnly:bool"
)
_SCALE_IO: Final = (
    "Gateway:string System:string SecretRef:*{} SSLEnabled:bool ProtectionDomain:string StoragePool:string "
    "StorageMode:string VolumeName:string FSType:string ReadOnly:bool"
)

STRUCTS: Final[dict[str, str]] = {
    "CustomResourceDefinitionVersion": (
        "Name:string Served:bool Storage:bool Deprecated:bool DeprecationWarning:*string "
        "Schema:*CustomResourceValidation Subresources:*CustomResourceSubresources "
        "AdditionalPrinterColumns:[]CustomResourceColumnDefinition SelectableFields:[]SelectableField"
    ),
    "CustomResourceValidation": "OpenAPIV3Schema:*JSONSchemaProps@openAPIV3Schema",
    "CustomResourceSubresources": "Status:*{} Scale:*CustomResourceSubresourceScale",
    "CustomResourceSubresourceScale": "SpecReplicasPath:string StatusReplicasPath:string LabelSelectorPath:*string",
    "CustomResourceColumnDefinition": (
        "Name:string Type:string Format:string Description:string Priority:int JSONPath:string@jsonPath"
    ),
    "SelectableField": "JSONPath:string@jsonPath",
    "JSONSchemaProps": (
        "ID:string@id Schema:string@$schema Ref:*string@$ref Description:string Type:string Nullable:bool "
        "Format:string Title:string Default:any Maximum:any ExclusiveMaximum:bool Minimum:any ExclusiveMinimum:bool "
        "MaxLength:any "
        "MinLength:any Pattern:string MaxItems:any MinItems:any UniqueItems:bool MultipleOf:any Enum:any "
        "MaxProperties:any MinProperties:any Required:[]string Items:any AllOf:[]JSONSchemaProps "
        "OneOf:[]JSONSchemaProps AnyOf:[]JSONSchemaProps Not:*JSONSchemaProps Properties:map:JSONSchemaProps "
        "AdditionalProperties:any PatternProperties:any Dependencies:any AdditionalItems:any Definitions:any "
        "ExternalDocs:any Example:any XPreserveUnknownFields:*bool@x-kubernetes-preserve-unknown-fields "
        "XEmbeddedResource:bool@x-kubernetes-embedded-resource XIntOrString:bool@x-kubernetes-int-or-string "
        "XListMapKeys:any@x-kubernetes-list-map-keys XListType:*string@x-kubernetes-list-type "
        "XMapType:*string@x-kubernetes-map-type XValidations:any@x-kubernetes-validations"
    ),
    "PodTemplateSpec": ":ObjectMeta@metadata Spec:PodSpec",
    "PodSpec": (
        "Volumes:[]Volume InitContainers:[]Container Containers:[]Container EphemeralContainers:[]EphemeralContainer "
        "RestartPolicy:string TerminationGracePeriodSeconds:*int ActiveDeadlineSeconds:*int DNSPolicy:string "
        "NodeSelector:map:string ServiceAccountName:string AutomountServiceAccountToken:*bool NodeName:string "
        "SecurityContext:*PodSecurityContext ImagePullSecrets:[]LocalObjectReference Hostname:string Subdomain:string "
        "SetHostnameAsFQDN:*bool Affinity:*Affinity SchedulerName:string Tolerations:[]Toleration "
        "HostAliases:[]HostAlias PriorityClassName:string Priority:*int PreemptionPolicy:*string "
        "DNSConfig:*PodDNSConfig ReadinessGates:[]PodReadinessGate RuntimeClassName:*string Overhead:map:quantity "
        "EnableServiceLinks:*bool TopologySpreadConstraints:[]TopologySpreadConstraint OS:*PodOS "
        "SchedulingGates:[]PodSchedulingGate ResourceClaims:[]PodResourceClaim Resources:*Resources "
        "HostnameOverride:*string SchedulingGroup:*SchedulingGroup"
    ),
    "PodSecurityContext": (
        "HostNetwork:bool@^/hostNetwork HostPID:bool@^/hostPID HostIPC:bool@^/hostIPC "
        "ShareProcessNamespace:*bool@^/shareProcessNamespace HostUsers:*bool@^/hostUsers "
        "SELinuxOptions:*SELinuxOptions WindowsOptions:*WindowsOptions RunAsUser:*int RunAsGroup:*int "
        "RunAsNonRoot:*bool SupplementalGroups:[]int SupplementalGroupsPolicy:*string FSGroup:*int "
        "FSGroupChangePolicy:*string Sysctls:[]Sysctl SeccompProfile:*SeccompProfile "
        "AppArmorProfile:*SeccompProfile SELinuxChangePolicy:*string"
    ),
    "SecurityContext": (
        "Capabilities:*Capabilities Privileged:*bool SELinuxOptions:*SELinuxOptions WindowsOptions:*WindowsOptions "
        "RunAsUser:*int RunAsGroup:*int RunAsNonRoot:*bool ReadOnlyRootFilesystem:*bool "
        "AllowPrivilegeEscalation:*bool ProcMount:*string SeccompProfile:*SeccompProfile "
        "AppArmorProfile:*SeccompProfile"
    ),
    "Capabilities": "Add:[]string Drop:[]string",
    "SELinuxOptions": "User:string Role:string Type:string Level:string",
    "WindowsOptions": (
        "GMSACredentialSpecName:*string GMSACredentialSpec:*string RunAsUserName:*string HostProcess:*bool"
    ),
    "SeccompProfile": "Type:string LocalhostProfile:*string",
    "Sysctl": "Name:string Value:string",
    "Container": _CONTAINER,
    "EphemeralContainer": _CONTAINER + " TargetContainerName:string",
    "ContainerPort": "Name:string HostPort:int ContainerPort:int Protocol:string HostIP:string",
    "EnvFrom": "Prefix:string ConfigMapRef:*EnvSource SecretRef:*EnvSource",
    "EnvSource": "Name:string Optional:*bool",
    "EnvVar": "Name:string Value:string ValueFrom:*EnvVarSource",
    "EnvVarSource": (
        "FieldRef:*FieldSelector ResourceFieldRef:*ResourceSelector ConfigMapKeyRef:*KeySelector "
        "SecretKeyRef:*KeySelector FileKeyRef:*FileKeySelector"
    ),
    "FieldSelector": "APIVersion:string FieldPath:string",
    "ResourceSelector": "ContainerName:string Resource:string Divisor:quantity",
    "KeySelector": "Name:string Key:string Optional:*bool",
    "FileKeySelector": "VolumeName:string Path:string Key:string Optional:*bool",
    "Resources": "Limits:map:quantity Requests:map:quantity Claims:[]ResourceClaimRef",
    "ResourceClaimRef": "Name:string Request:string",
    "ResizePolicy": "ResourceName:string RestartPolicy:string",
    "RestartRule": "Action:string ExitCodes:*RestartExitCodes",
    "RestartExitCodes": "Operator:string Values:[]int",
    "VolumeMount": (
        "Name:string ReadOnly:bool RecursiveReadOnly:*string MountPath:string SubPath:string "
        "MountPropagation:*string SubPathExpr:string"
    ),
    "VolumeDevice": "Name:string DevicePath:string",
    "Probe": (
        "Exec:*ExecAction HTTPGet:*HTTPGetAction TCPSocket:*TCPSocketAction GRPC:*GRPCAction "
        "InitialDelaySeconds:int TimeoutSeconds:int PeriodSeconds:int SuccessThreshold:int FailureThreshold:int "
        "TerminationGracePeriodSeconds:*int"
    ),
    "Lifecycle": "PostStart:*Hook PreStop:*Hook StopSignal:*string",
    "Hook": "Exec:*ExecAction HTTPGet:*HTTPGetAction TCPSocket:*TCPSocketAction Sleep:*SleepAction",
    "ExecAction": "Command:[]string",
    "HTTPGetAction": "Path:string Port:intstr Host:string Scheme:string HTTPHeaders:[]Sysctl",
    "TCPSocketAction": "Port:intstr Host:string",
    "GRPCAction": "Port:int Service:*string",
    "SleepAction": "Seconds:int",
    "Affinity": "NodeAffinity:*NodeAffinity PodAffinity:*PodAffinity PodAntiAffinity:*PodAffinity",
    "NodeAffinity": (
        "RequiredDuringSchedulingIgnoredDuringExecution:*NodeSelector "
        "PreferredDuringSchedulingIgnoredDuringExecution:[]PreferredTerm"
    ),
    "PodAffinity": (
        "RequiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm "
        "PreferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm"
    ),
    "NodeSelector": "NodeSelectorTerms:[]NodeSelectorTerm",
    "NodeSelectorTerm": "MatchExpressions:[]NodeRequirement MatchFields:[]NodeRequirement",
    "NodeRequirement": "Key:string Operator:string Values:[]string",
    "PreferredTerm": "Weight:int Preference:NodeSelectorTerm",
    "PodAffinityTerm": (
        "LabelSelector:*LabelSelector Namespaces:[]string TopologyKey:string NamespaceSelector:*LabelSelector "
        "MatchLabelKeys:[]string MismatchLabelKeys:[]string"
    ),
    "WeightedPodAffinityTerm": "Weight:int PodAffinityTerm:PodAffinityTerm",
    "Toleration": "Key:string Operator:string Value:string Effect:string TolerationSeconds:*int",
    "HostAlias": "IP:string Hostnames:[]string",
    "PodDNSConfig": "Nameservers:[]string Searches:[]string Options:[]PodDNSOption",
    "PodDNSOption": "Name:string Value:*string",
    "PodReadinessGate": "ConditionType:string",
    "TopologySpreadConstraint": (
        "MaxSkew:int TopologyKey:string WhenUnsatisfiable:string LabelSelector:*LabelSelector MinDomains:*int "
        "NodeAffinityPolicy:*string NodeTaintsPolicy:*string MatchLabelKeys:[]string"
    ),
    "PodOS": "Name:string",
    "PodSchedulingGate": "Name:string",
    "PodResourceClaim": "Name:string ResourceClaimName:*string ResourceClaimTemplateName:*string",
    "SchedulingGroup": "PodGroupName:*string",
    "LocalObjectReference": "Name:string",
    "SecretReference": "Name:string Namespace:string",
    "Volume": "Name:string " + _VOLUME_SOURCES,
    "HostPath": "Path:string Type:*string",
    "EmptyDir": "Medium:string SizeLimit:*quantity",
    "GCEDisk": "PDName:string FSType:string Partition:int ReadOnly:bool",
    "AWSStore": "VolumeID:string FSType:string Partition:int ReadOnly:bool",
    "GitRepo": "Repository:string Revision:string Directory:string",
    "SecretSource": "SecretName:string Items:[]KeyToPath DefaultMode:*int Optional:*bool",
    "KeyToPath": "Key:string Path:string Mode:*int",
    "NFS": "Server:string Path:string ReadOnly:bool",
    "ISCSI": _ISCSI.format("LocalObjectReference"),
    "PersistentISCSI": _ISCSI.format("SecretReference"),
    "Glusterfs": "EndpointsName:string@endpoints Path:string ReadOnly:bool",
    "PersistentGlusterfs": "EndpointsName:string@endpoints Path:string ReadOnly:bool EndpointsNamespace:*string",
    "ClaimSource": "ClaimName:string ReadOnly:bool",
    "RBD": _RBD.format("LocalObjectReference"),
    "PersistentRBD": _RBD.format("SecretReference"),
    "Quobyte": "Registry:string Volume:string ReadOnly:bool User:string Group:string Tenant:string",
    "Flex": "Driver:string FSType:string SecretRef:*LocalObjectReference ReadOnly:bool Options:map:string",
    "PersistentFlex": "Driver:string FSType:string SecretRef:*SecretReference ReadOnly:bool Options:map:string",
    "Cinder": "VolumeID:string FSType:string ReadOnly:bool SecretRef:*LocalObjectReference",
    "PersistentCinder": "VolumeID:string FSType:string ReadOnly:bool SecretRef:*SecretReference",
    "CephFS": (
        "Monitors:[]string Path:string User:string SecretFile:string SecretRef:*LocalObjectReference ReadOnly:bool"
    ),
    "PersistentCephFS": (
        "Monitors:[]string Path:string User:string SecretFile:string SecretRef:*SecretReference ReadOnly:bool"
    ),
    "Flocker": "DatasetName:string DatasetUUID:string",
    "DownwardAPI": "Items:[]DownwardFile DefaultMode:*int",
    "DownwardFile": "Path:string FieldRef:*FieldSelector ResourceFieldRef:*ResourceSelector Mode:*int",
    "FC": "TargetWWNs:[]string Lun:*int FSType:string ReadOnly:bool WWIDs:[]string@wwids",
    "AzureFile": "SecretName:string ShareName:string ReadOnly:bool",
    "PersistentAzureFile": "SecretName:string ShareName:string ReadOnly:bool SecretNamespace:*string",
    "ConfigMapSource": "Name:string Items:[]KeyToPath DefaultMode:*int Optional:*bool",
    "Vsphere": "VolumePath:string FSType:string StoragePolicyName:string StoragePolicyID:string",
    "AzureDisk": (
        "DiskName:string DataDiskURI:string@diskURI CachingMode:*string FSType:*string ReadOnly:*bool Kind:*string"
    ),
    "Photon": "PdID:string FSType:string",
    "Projected": "Sources:[]Projection DefaultMode:*int",
    "Projection": (
        "Secret:*ObjectProjection DownwardAPI:*DownwardProjection ConfigMap:*ObjectProjection "
        "ServiceAccountToken:*TokenProjection ClusterTrustBundle:*ClusterTrustBundleProjection "
        "PodCertificate:*CertificateProjection"
    ),
    "ObjectProjection": "Name:string Items:[]KeyToPath Optional:*bool",
    "DownwardProjection": "Items:[]DownwardFile",
    "TokenProjection": "Audience:string ExpirationSeconds:int Path:string",
    "ClusterTrustBundleProjection": (
        "Name:*string SignerName:*string LabelSelector:*LabelSelector Optional:*bool Path:string"
    ),
    "CertificateProjection": (
        "SignerName:string KeyType:string MaxExpirationSeconds:*int CredentialBundlePath:string KeyPath:string "
        "CertificateChainPath:string UserAnnotations:map:string"
    ),
    "Portworx": "VolumeID:string FSType:string ReadOnly:bool",
    "ScaleIO": _SCALE_IO.format("LocalObjectReference"),
    "PersistentScaleIO": _SCALE_IO.format("SecretReference"),
    "StorageOS": (
        "VolumeName:string VolumeNamespace:string FSType:string ReadOnly:bool SecretRef:*LocalObjectReference"
    ),
    "PersistentStorageOS": (
        "VolumeName:string VolumeNamespace:string FSType:string ReadOnly:bool SecretRef:*ObjectReference"
    ),
    "CSI": (
        "Driver:string ReadOnly:*bool FSType:*string VolumeAttributes:map:string "
        "NodePublishSecretRef:*LocalObjectReference"
    ),
    "PersistentCSI": (
        "Driver:string VolumeHandle:string ReadOnly:bool FSType:string VolumeAttributes:map:string "
        "ControllerPublishSecretRef:*SecretReference NodeStageSecretRef:*SecretReference "
        "NodePublishSecretRef:*SecretReference ControllerExpandSecretRef:*SecretReference "
        "NodeExpandSecretRef:*SecretReference"
    ),
    "Local": "Path:string FSType:*string",
    "Ephemeral": "VolumeClaimTemplate:*ClaimTemplate",
    "ClaimTemplate": ":ObjectMeta@metadata Spec:ClaimSpec",
    "ClaimSpec": (
        "AccessModes:[]string Selector:*LabelSelector Resources:VolumeResources VolumeName:string "
        "StorageClassName:*string VolumeMode:*string DataSource:*TypedLocalReference DataSourceRef:*TypedReference "
        "VolumeAttributesClassName:*string"
    ),
    "VolumeResources": "Limits:map:quantity Requests:map:quantity",
    "TypedLocalReference": "APIGroup:*string Kind:string Name:string",
    "TypedReference": "APIGroup:*string Kind:string Name:string Namespace:*string",
    "ImageSource": "Reference:string PullPolicy:string",
    "PersistentVolumeSource": (
        "GCEPersistentDisk:*GCEDisk AWSElasticBlockStore:*AWSStore HostPath:*HostPath Glusterfs:*PersistentGlusterfs "
        "NFS:*NFS RBD:*PersistentRBD Quobyte:*Quobyte ISCSI:*PersistentISCSI FlexVolume:*PersistentFlex "
        "Cinder:*PersistentCinder CephFS:*PersistentCephFS@cephfs FC:*FC Flocker:*Flocker "
        "AzureFile:*PersistentAzureFile VsphereVolume:*Vsphere AzureDisk:*AzureDisk PhotonPersistentDisk:*Photon "
        "PortworxVolume:*Portworx ScaleIO:*PersistentScaleIO Local:*Local StorageOS:*PersistentStorageOS@storageos "
        "CSI:*PersistentCSI"
    ),
    "VolumeNodeAffinity": "Required:*NodeSelector",
    "ObjectReference": (
        "Kind:string Namespace:string Name:string UID:string APIVersion:string ResourceVersion:string FieldPath:string"
    ),
    "EventSource": "Component:string Host:string",
    "ServicePort": "Name:string Protocol:string AppProtocol:*string Port:int TargetPort:intstr NodePort:int",
    "Taint": "Key:string Value:string Effect:string TimeAdded:*time",
    "NodeAddress": "Type:string Address:string",
    "PodIP": "IP:string",
    "ScopeSelector": "MatchExpressions:[]ScopeRequirement",
    "ScopeRequirement": "ScopeName:string Operator:string Values:[]string",
    "DeploymentStrategy": "Type:string RollingUpdate:*RollingUpdateDeployment",
    "RollingUpdateDeployment": "MaxUnavailable:intstr MaxSurge:intstr",
    "DaemonSetUpdateStrategy": "Type:string RollingUpdate:*RollingUpdateDaemonSet",
    "RollingUpdateDaemonSet": "MaxUnavailable:intstr MaxSurge:intstr",
    "StatefulSetUpdateStrategy": "Type:string RollingUpdate:*RollingUpdateStatefulSet",
    "RollingUpdateStatefulSet": "Partition:int MaxUnavailable:*intstr",
    "SuccessPolicy": "Rules:[]SuccessPolicyRule",
    "SuccessPolicyRule": "SucceededIndexes:*string SucceededCount:*int",
    "UncountedPods": "Succeeded:[]string Failed:[]string",
    "PodFailurePolicy": "Rules:[]PodFailureRule",
    "PodFailureRule": "Action:string OnExitCodes:*FailureExitCodes OnPodConditions:[]FailureCondition",
    "FailureExitCodes": "ContainerName:*string Operator:string Values:[]int",
    "FailureCondition": "Type:string Status:string",
    "BudgetSpec": (
        "MinAvailable:*intstr Selector:*LabelSelector MaxUnavailable:*intstr UnhealthyPodEvictionPolicy:*string"
    ),
    "RoleRef": "APIGroup:string Kind:string Name:string",
    "DistinguisherMethod": "Type:string",
    "ParentReference": "Group:string Resource:string Namespace:string Name:string",
    "ServiceCIDRSpec": "CIDRs:[]string@cidrs",
    "AttachmentSpec": "Attacher:string Source:AttachmentSource NodeName:string",
    "AttachmentSource": "PersistentVolumeName:*string InlineVolumeSpec:*PersistentVolumeSpec",
    "PersistentVolumeSpec": (
        "Capacity:map:quantity :PersistentVolumeSource AccessModes:[]string ClaimRef:*ObjectReference "
        "PersistentVolumeReclaimPolicy:string StorageClassName:string MountOptions:[]string VolumeMode:*string "
        "NodeAffinity:*VolumeNodeAffinity VolumeAttributesClassName:*string"
    ),
    "CSINodeDriver": "Name:string NodeID:string TopologyKeys:[]string Allocatable:*VolumeNodeResources",
    "VolumeNodeResources": "Count:*int",
    "DeviceAttribute": "IntValue:*int@int BoolValue:*bool@bool StringValue:*string@string VersionValue:*string@version",
    "ResourceClaimSpec": "Devices:DeviceClaim",
    "ResourceClaimTemplateSpec": ":ObjectMeta@metadata Spec:ResourceClaimSpec",
    "DeviceClaim": ("Requests:[]DeviceRequest Constraints:[]DeviceConstraint Config:[]DeviceClaimConfiguration"),
    "DeviceRequest": "Name:string Exactly:*ExactDeviceRequest FirstAvailable:[]DeviceSubRequest",
    "ExactDeviceRequest": (
        "DeviceClassName:string Selectors:[]DeviceSelector AllocationMode:string Count:int AdminAccess:*bool "
        "Tolerations:[]DeviceToleration Capacity:*DeviceCapacityRequirements"
    ),
    "DeviceSubRequest": (
        "Name:string DeviceClassName:string Selectors:[]DeviceSelector AllocationMode:string Count:int "
        "Tolerations:[]DeviceToleration Capacity:*DeviceCapacityRequirements"
    ),
    "DeviceCapacityRequirements": "Requests:map:quantity",
    "DeviceSelector": "CEL:*DeviceExpression@cel",
    "DeviceExpression": "Expression:string",
    "DeviceToleration": "Key:string Operator:string Value:string Effect:string TolerationSeconds:*int",
    "DeviceConstraint": "Requests:[]string MatchAttribute:*string DistinctAttribute:*string",
    "DeviceClaimConfiguration": "Requests:[]string Opaque:*OpaqueConfiguration",
    "OpaqueConfiguration": "Driver:string Parameters:raw",
    "TokenRequest": "Audience:string ExpirationSeconds:*int",
}
"""Structs without JSON tags."""

TAGGED: Final[dict[str, str]] = {
    "OwnerReference": (
        "apiVersion!:string kind!:string name!:string uid!:string controller:*bool blockOwnerDeletion:*bool"
    ),
    "LabelSelector": "matchLabels:map:string matchExpressions:[]LabelSelectorRequirement",
    "LabelSelectorRequirement": "key!:string operator!:string values:[]string",
    "ObjectMeta": (
        "name:string generateName:string namespace:string uid:string resourceVersion:string generation:int "
        "creationTimestamp:time deletionTimestamp:*time deletionGracePeriodSeconds:*int labels:map:string "
        "annotations:map:string ownerReferences:[]OwnerReference finalizers:[]string"
    ),
}
"""Structs with JSON tags: fields by JSON name; `!` marks those that are printed also when empty."""
