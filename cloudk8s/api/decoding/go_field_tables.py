"""The tables of `go_fields`: one line a struct, `group.version.Struct: field …`."""

from __future__ import annotations

from typing import Final

DIRECT: Final = """
apps.v1.DaemonSetCondition: lastTransitionTime
apps.v1.DaemonSetSpec: template updateStrategy
apps.v1.DeploymentCondition: lastTransitionTime lastUpdateTime
apps.v1.DeploymentSpec: strategy template
apps.v1.ReplicaSetCondition: lastTransitionTime
apps.v1.ReplicaSetSpec: template
apps.v1.StatefulSetCondition: lastTransitionTime
apps.v1.StatefulSetSpec: template updateStrategy
apiextensions.v1.CustomResourceDefinitionCondition: lastTransitionTime
apiextensions.v1.CustomResourceDefinitionStatus: acceptedNames
apiregistration.v1.APIServiceCondition: lastTransitionTime
authentication.v1.SelfSubjectReviewStatus: userInfo
authentication.v1.TokenRequestStatus: expirationTimestamp
authentication.v1.TokenReviewStatus: user
autoscaling.v2.HorizontalPodAutoscalerCondition: lastTransitionTime
batch.v1.JobCondition: lastProbeTime lastTransitionTime
certificates.v1.CertificateSigningRequestCondition: lastTransitionTime lastUpdateTime
core.v1.Container: resources
core.v1.ContainerStateRunning: startedAt
core.v1.ContainerStateTerminated: finishedAt startedAt
core.v1.ContainerStatus: lastState state
core.v1.EphemeralContainer: resources
core.v1.Event: eventTime firstTimestamp involvedObject lastTimestamp source
core.v1.EventSeries: lastObservedTime
core.v1.NamespaceCondition: lastTransitionTime
core.v1.NodeCondition: lastHeartbeatTime lastTransitionTime
core.v1.NodeDaemonEndpoints: kubeletEndpoint
core.v1.NodeStatus: daemonEndpoints nodeInfo
core.v1.PersistentVolumeClaimCondition: lastProbeTime lastTransitionTime
core.v1.PersistentVolumeClaimSpec: resources
core.v1.PodCondition: lastProbeTime lastTransitionTime
core.v1.PodTemplate: template
core.v1.ReplicationControllerCondition: lastTransitionTime
core.v1.ResourceFieldSelector: divisor
core.v1.ServicePort: targetPort
core.v1.ServiceStatus: loadBalancer
discovery.v1.Endpoint: conditions
events.v1.Event: deprecatedFirstTimestamp deprecatedLastTimestamp deprecatedSource eventTime regarding
flowcontrol.v1.FlowSchemaCondition: lastTransitionTime
flowcontrol.v1.PriorityLevelConfigurationCondition: lastTransitionTime
meta.v1.APIGroup: preferredVersion
networking.v1.IngressServiceBackend: port
networking.v1.IngressStatus: loadBalancer
networking.v1.NetworkPolicySpec: podSelector
resource.v1.AllocationResult: devices
resource.v1.ResourceClaimSpec: devices
storage.v1.VolumeError: time
"""
"""Structs, times, quantities and int-or-strings that are held directly although they are optional. Required ones are
held directly, other optional ones by pointer; `metadata`, `spec` and `status` are held directly everywhere."""

POINTERS: Final = """
apiextensions.v1.CustomResourceSubresources: status
admissionregistration.v1.MutatingWebhook: sideEffects
admissionregistration.v1.ValidatingWebhook: sideEffects
apps.v1.DaemonSetSpec: selector
apps.v1.DeploymentSpec: selector
apps.v1.ReplicaSetSpec: selector
apps.v1.StatefulSetSpec: selector
authentication.v1.TokenRequestSpec: boundObjectRef expirationSeconds
core.v1.ScaleIOPersistentVolumeSource: secretRef
core.v1.ScaleIOVolumeSource: secretRef
core.v1.TypedLocalObjectReference: apiGroup
core.v1.TypedObjectReference: apiGroup
networking.v1.HTTPIngressPath: pathType
networking.v1.IPAddressSpec: parentRef
storage.v1.CSINode: status
"""
"""Fields without `omitempty` that are pointers: null where they are not set."""

WRITTEN: Final = """
apiextensions.v1.CustomResourceDefinitionStatus: acceptedNames conditions storedVersions
apps.v1.ControllerRevision: revision
apps.v1.DaemonSetCondition: status type
apps.v1.DeploymentCondition: status type
apps.v1.ReplicaSetCondition: status type
apps.v1.StatefulSetCondition: status type
apps.v1.StatefulSetStatus: availableReplicas
authentication.v1.TokenRequestSpec: audiences boundObjectRef expirationSeconds
authentication.v1.TokenRequestStatus: expirationTimestamp token
autoscaling.v2.HPAScalingRules: policies
autoscaling.v2.HorizontalPodAutoscalerStatus: currentMetrics
batch.v1.PodFailurePolicyOnPodConditionsPattern: status
core.v1.Event: reportingComponent reportingInstance
core.v1.TypedLocalObjectReference: apiGroup
core.v1.TypedObjectReference: apiGroup
discovery.v1.EndpointSlice: endpoints ports
flowcontrol.v1.FlowSchemaSpec: matchingPrecedence
flowcontrol.v1.QueuingConfiguration: handSize queueLengthLimit queues
policy.v1.PodDisruptionBudgetStatus: currentHealthy desiredHealthy disruptionsAllowed expectedPods
rbac.v1.ClusterRole: rules
rbac.v1.Role: rules
rbac.v1.RoleRef: apiGroup
scheduling.v1.PriorityClass: value
"""
"""Optional fields without `omitempty`: written also where they are zero. Required fields are too, but for `OMITTED`.

Scaling policies are here although Go omits empty ones: defaulting tells an empty list from none, and stores neither.
"""

OMITTED: Final = """
admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec: validationActions
"""
"""Required fields with `omitempty`: not written where they are zero."""

NUMBERS: Final = """
admissionregistration.v1.ValidatingAdmissionPolicyStatus: observedGeneration
apiextensions.v1.CustomResourceColumnDefinition: priority
apiextensions.v1.CustomResourceDefinitionCondition: observedGeneration
apiextensions.v1.CustomResourceDefinitionSpec: preserveUnknownFields
apiextensions.v1.CustomResourceDefinitionStatus: observedGeneration
apiextensions.v1.CustomResourceDefinitionVersion: deprecated
apiextensions.v1.JSONSchemaProps: exclusiveMaximum exclusiveMinimum nullable uniqueItems
apiextensions.v1.JSONSchemaProps: x-kubernetes-embedded-resource x-kubernetes-int-or-string
apiregistration.v1.APIServiceSpec: insecureSkipTLSVerify
apps.v1.DaemonSetSpec: minReadySeconds
apps.v1.DaemonSetStatus: numberAvailable numberUnavailable observedGeneration updatedNumberScheduled
apps.v1.DeploymentSpec: minReadySeconds paused
apps.v1.DeploymentStatus: availableReplicas observedGeneration readyReplicas replicas unavailableReplicas
apps.v1.DeploymentStatus: updatedReplicas
apps.v1.ReplicaSetSpec: minReadySeconds
apps.v1.ReplicaSetStatus: availableReplicas fullyLabeledReplicas observedGeneration readyReplicas
apps.v1.StatefulSetOrdinals: start
apps.v1.StatefulSetSpec: minReadySeconds
apps.v1.StatefulSetStatus: currentReplicas observedGeneration readyReplicas updatedReplicas
authentication.v1.TokenReviewStatus: authenticated
authorization.v1.SubjectAccessReviewStatus: denied
autoscaling.v1.ScaleSpec: replicas
autoscaling.v2.HorizontalPodAutoscalerCondition: observedGeneration
autoscaling.v2.HorizontalPodAutoscalerStatus: currentReplicas
batch.v1.JobStatus: active failed succeeded
core.v1.AWSElasticBlockStoreVolumeSource: partition readOnly
core.v1.AzureFilePersistentVolumeSource: readOnly
core.v1.AzureFileVolumeSource: readOnly
core.v1.CSIPersistentVolumeSource: readOnly
core.v1.CephFSPersistentVolumeSource: readOnly
core.v1.CephFSVolumeSource: readOnly
core.v1.CinderPersistentVolumeSource: readOnly
core.v1.CinderVolumeSource: readOnly
core.v1.Container: stdin stdinOnce tty
core.v1.ContainerImage: sizeBytes
core.v1.ContainerPort: hostPort
core.v1.ContainerStateTerminated: signal
core.v1.EphemeralContainer: stdin stdinOnce tty
core.v1.Event: count
core.v1.EventSeries: count
core.v1.FCVolumeSource: readOnly
core.v1.FlexPersistentVolumeSource: readOnly
core.v1.FlexVolumeSource: readOnly
core.v1.GCEPersistentDiskVolumeSource: partition readOnly
core.v1.GlusterfsPersistentVolumeSource: readOnly
core.v1.GlusterfsVolumeSource: readOnly
core.v1.ISCSIPersistentVolumeSource: chapAuthDiscovery chapAuthSession readOnly
core.v1.ISCSIVolumeSource: chapAuthDiscovery chapAuthSession readOnly
core.v1.NFSVolumeSource: readOnly
core.v1.NodeSpec: unschedulable
core.v1.PersistentVolumeClaimVolumeSource: readOnly
core.v1.PodCondition: observedGeneration
core.v1.PodSpec: hostIPC hostNetwork hostPID
core.v1.PodStatus: observedGeneration
core.v1.PortworxVolumeSource: readOnly
core.v1.Probe: failureThreshold initialDelaySeconds periodSeconds successThreshold timeoutSeconds
core.v1.QuobyteVolumeSource: readOnly
core.v1.RBDPersistentVolumeSource: readOnly
core.v1.RBDVolumeSource: readOnly
core.v1.ReplicationControllerSpec: minReadySeconds
core.v1.ReplicationControllerStatus: availableReplicas fullyLabeledReplicas observedGeneration readyReplicas
core.v1.ScaleIOPersistentVolumeSource: readOnly sslEnabled
core.v1.ScaleIOVolumeSource: readOnly sslEnabled
core.v1.ServicePort: nodePort
core.v1.ServiceSpec: healthCheckNodePort publishNotReadyAddresses
core.v1.StorageOSPersistentVolumeSource: readOnly
core.v1.StorageOSVolumeSource: readOnly
core.v1.VolumeMount: readOnly
core.v1.VolumeMountStatus: readOnly
events.v1.Event: deprecatedCount
flowcontrol.v1.ResourcePolicyRule: clusterScope
meta.v1.Condition: observedGeneration
meta.v1.ObjectMeta: generation
meta.v1.Status: code
meta.v1.StatusDetails: retryAfterSeconds
networking.v1.ServiceBackendPort: number
policy.v1.PodDisruptionBudgetStatus: observedGeneration
resource.v1.DeviceSubRequest: count
resource.v1.ExactDeviceRequest: count
scheduling.v1.PriorityClass: globalDefault
"""
"""Optional numbers and booleans that are held directly; others are pointers."""

STRINGS: Final = """
admissionregistration.v1.MatchResources: matchPolicy
admissionregistration.v1.MutatingAdmissionPolicySpec: failurePolicy
admissionregistration.v1.MutatingWebhook: failurePolicy matchPolicy reinvocationPolicy
admissionregistration.v1.NamedRuleWithOperations: scope
admissionregistration.v1.ParamRef: parameterNotFoundAction
admissionregistration.v1.RuleWithOperations: scope
admissionregistration.v1.ServiceReference: path
admissionregistration.v1.ValidatingAdmissionPolicySpec: failurePolicy
admissionregistration.v1.ValidatingWebhook: failurePolicy matchPolicy
admissionregistration.v1.Validation: reason
admissionregistration.v1.WebhookClientConfig: url
apiextensions.v1.CustomResourceDefinitionVersion: deprecationWarning
apiextensions.v1.CustomResourceSubresourceScale: labelSelectorPath
apiextensions.v1.JSONSchemaProps: $ref x-kubernetes-list-type x-kubernetes-map-type
apiextensions.v1.ServiceReference: path
apiextensions.v1.ValidationRule: reason
apiextensions.v1.WebhookClientConfig: url
autoscaling.v2.HPAScalingRules: selectPolicy
batch.v1.CronJobSpec: timeZone
batch.v1.JobSpec: completionMode managedBy podReplacementPolicy
batch.v1.JobStatus: failedIndexes
batch.v1.PodFailurePolicyOnExitCodesRequirement: containerName
batch.v1.SuccessPolicyRule: succeededIndexes
coordination.v1.LeaseSpec: holderIdentity preferredHolder strategy
core.v1.AppArmorProfile: localhostProfile
core.v1.AzureDiskVolumeSource: cachingMode fsType kind
core.v1.AzureFilePersistentVolumeSource: secretNamespace
core.v1.CSIVolumeSource: fsType
core.v1.ClusterTrustBundleProjection: name signerName
core.v1.Container: restartPolicy
core.v1.ContainerStatus: stopSignal
core.v1.EndpointAddress: nodeName
core.v1.EndpointPort: appProtocol
core.v1.EphemeralContainer: restartPolicy
core.v1.GRPCAction: service
core.v1.GlusterfsPersistentVolumeSource: endpointsNamespace
core.v1.HostPathVolumeSource: type
core.v1.ISCSIPersistentVolumeSource: initiatorName
core.v1.ISCSIVolumeSource: initiatorName
core.v1.Lifecycle: stopSignal
core.v1.LoadBalancerIngress: ipMode
core.v1.LocalVolumeSource: fsType
core.v1.PersistentVolumeClaimSpec: storageClassName volumeAttributesClassName volumeMode
core.v1.PersistentVolumeClaimStatus: currentVolumeAttributesClassName
core.v1.PersistentVolumeSpec: volumeAttributesClassName volumeMode
core.v1.PodDNSConfigOption: value
core.v1.PodResourceClaim: resourceClaimName resourceClaimTemplateName
core.v1.PodResourceClaimStatus: resourceClaimName
core.v1.PodSchedulingGroup: podGroupName
core.v1.PodSecurityContext: fsGroupChangePolicy seLinuxChangePolicy supplementalGroupsPolicy
core.v1.PodSpec: hostnameOverride preemptionPolicy runtimeClassName
core.v1.PortStatus: error
core.v1.SeccompProfile: localhostProfile
core.v1.SecurityContext: procMount
core.v1.ServicePort: appProtocol
core.v1.ServiceSpec: internalTrafficPolicy ipFamilyPolicy loadBalancerClass trafficDistribution
core.v1.TopologySpreadConstraint: nodeAffinityPolicy nodeTaintsPolicy
core.v1.TypedObjectReference: namespace
core.v1.VolumeMount: mountPropagation recursiveReadOnly
core.v1.VolumeMountStatus: recursiveReadOnly
core.v1.WindowsSecurityContextOptions: gmsaCredentialSpec gmsaCredentialSpecName runAsUserName
discovery.v1.Endpoint: hostname nodeName zone
discovery.v1.EndpointPort: appProtocol name protocol
meta.v1.DeleteOptions: propagationPolicy
meta.v1.Preconditions: resourceVersion uid
networking.v1.IngressClassParametersReference: apiGroup namespace scope
networking.v1.IngressPortStatus: error
networking.v1.IngressSpec: ingressClassName
networking.v1.NetworkPolicyPort: protocol
policy.v1.PodDisruptionBudgetSpec: unhealthyPodEvictionPolicy
resource.v1.AllocatedDeviceStatus: shareID
resource.v1.Device: nodeName
resource.v1.DeviceAttribute: string version
resource.v1.DeviceClassSpec: extendedResourceName
resource.v1.DeviceConstraint: distinctAttribute matchAttribute
resource.v1.DeviceRequestAllocationResult: shareID
resource.v1.ResourceSliceSpec: nodeName
scheduling.v1.PriorityClass: preemptionPolicy
storage.v1.CSIDriverSpec: fsGroupPolicy
storage.v1.StorageClass: reclaimPolicy volumeBindingMode
storage.v1.VolumeAttachmentSource: persistentVolumeName
"""
"""Strings that are pointers; others are held directly."""

GO_TYPES: Final = """
admissionregistration.v1.MatchResources: matchPolicy=v1.MatchPolicyType
admissionregistration.v1.MutatingAdmissionPolicySpec: failurePolicy=v1.FailurePolicyType
admissionregistration.v1.MutatingAdmissionPolicySpec: reinvocationPolicy=v1.ReinvocationPolicyType
admissionregistration.v1.MutatingWebhook: failurePolicy=v1.FailurePolicyType matchPolicy=v1.MatchPolicyType
admissionregistration.v1.MutatingWebhook: reinvocationPolicy=v1.ReinvocationPolicyType sideEffects=v1.SideEffectClass
admissionregistration.v1.Mutation: patchType=v1.PatchType
admissionregistration.v1.RuleWithOperations: operations=[]v1.OperationType scope=v1.ScopeType
admissionregistration.v1.NamedRuleWithOperations: operations=[]v1.OperationType scope=v1.ScopeType
admissionregistration.v1.ParamRef: parameterNotFoundAction=v1.ParameterNotFoundActionType
admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec: validationActions=[]v1.ValidationAction
admissionregistration.v1.ValidatingAdmissionPolicySpec: failurePolicy=v1.FailurePolicyType
admissionregistration.v1.ValidatingWebhook: failurePolicy=v1.FailurePolicyType matchPolicy=v1.MatchPolicyType
admissionregistration.v1.ValidatingWebhook: sideEffects=v1.SideEffectClass
admissionregistration.v1.Validation: reason=v1.StatusReason
apiextensions.v1.CustomResourceConversion: strategy=v1.ConversionStrategyType
apiextensions.v1.CustomResourceDefinitionCondition: status=v1.ConditionStatus
apiextensions.v1.CustomResourceDefinitionCondition: type=v1.CustomResourceDefinitionConditionType
apiextensions.v1.CustomResourceDefinitionSpec: scope=v1.ResourceScope
apiextensions.v1.JSONSchemaProps: $schema=v1.JSONSchemaURL enum=[]v1.JSON
apiextensions.v1.JSONSchemaProps: x-kubernetes-validations=v1.ValidationRules
apiextensions.v1.JSONSchemaProps: definitions=v1.JSONSchemaDefinitions dependencies=v1.JSONSchemaDependencies
apiextensions.v1.ValidationRule: reason=v1.FieldValueErrorReason
apps.v1.DaemonSetCondition: status=v1.ConditionStatus type=v1.DaemonSetConditionType
apps.v1.DaemonSetUpdateStrategy: type=v1.DaemonSetUpdateStrategyType
apps.v1.DeploymentCondition: status=v1.ConditionStatus type=v1.DeploymentConditionType
apps.v1.DeploymentStrategy: type=v1.DeploymentStrategyType
apps.v1.ReplicaSetCondition: status=v1.ConditionStatus type=v1.ReplicaSetConditionType
apps.v1.StatefulSetCondition: status=v1.ConditionStatus type=v1.StatefulSetConditionType
apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy: whenDeleted=v1.PersistentVolumeClaimRetentionPolicyType
apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy: whenScaled=v1.PersistentVolumeClaimRetentionPolicyType
apps.v1.StatefulSetSpec: podManagementPolicy=v1.PodManagementPolicyType
apps.v1.StatefulSetUpdateStrategy: type=v1.StatefulSetUpdateStrategyType
authentication.v1.BoundObjectReference: uid=types.UID
authentication.v1.UserInfo: extra=map[string]v1.ExtraValue
authorization.v1.SubjectAccessReviewSpec: extra=map[string]v1.ExtraValue
autoscaling.v2.HPAScalingPolicy: type=v2.HPAScalingPolicyType
autoscaling.v2.HPAScalingRules: selectPolicy=v2.ScalingPolicySelect
autoscaling.v2.HorizontalPodAutoscalerCondition: status=v1.ConditionStatus
autoscaling.v2.HorizontalPodAutoscalerCondition: type=v2.HorizontalPodAutoscalerConditionType
autoscaling.v2.MetricSpec: type=v2.MetricSourceType
autoscaling.v2.MetricStatus: type=v2.MetricSourceType
autoscaling.v2.MetricTarget: type=v2.MetricTargetType
autoscaling.v2.ResourceMetricSource: name=v1.ResourceName
batch.v1.CronJobSpec: concurrencyPolicy=v1.ConcurrencyPolicy
batch.v1.JobCondition: status=v1.ConditionStatus type=v1.JobConditionType
batch.v1.JobSpec: completionMode=v1.CompletionMode podReplacementPolicy=v1.PodReplacementPolicy
batch.v1.PodFailurePolicyOnExitCodesRequirement: operator=v1.PodFailurePolicyOnExitCodesOperator
batch.v1.PodFailurePolicyOnPodConditionsPattern: status=v1.ConditionStatus type=v1.PodConditionType
batch.v1.PodFailurePolicyRule: action=v1.PodFailurePolicyAction
certificates.v1.CertificateSigningRequestCondition: status=v1.ConditionStatus type=v1.RequestConditionType
certificates.v1.CertificateSigningRequestSpec: extra=map[string]v1.ExtraValue usages=[]v1.KeyUsage
coordination.v1.LeaseSpec: strategy=v1.CoordinatedLeaseStrategy
core.v1.AppArmorProfile: type=v1.AppArmorProfileType
core.v1.AttachedVolume: name=v1.UniqueVolumeName
core.v1.AzureDiskVolumeSource: cachingMode=v1.AzureDataDiskCachingMode kind=v1.AzureDataDiskKind
core.v1.Capabilities: add=[]v1.Capability drop=[]v1.Capability
core.v1.Container: imagePullPolicy=v1.PullPolicy restartPolicy=v1.ContainerRestartPolicy
core.v1.Container: terminationMessagePolicy=v1.TerminationMessagePolicy
core.v1.ContainerPort: protocol=v1.Protocol
core.v1.ContainerResizePolicy: resourceName=v1.ResourceName restartPolicy=v1.ResourceResizeRestartPolicy
core.v1.ContainerStatus: allocatedResources=v1.ResourceList stopSignal=v1.Signal
core.v1.EmptyDirVolumeSource: medium=v1.StorageMedium
core.v1.EndpointPort: protocol=v1.Protocol
core.v1.EphemeralContainer: imagePullPolicy=v1.PullPolicy restartPolicy=v1.ContainerRestartPolicy
core.v1.EphemeralContainer: terminationMessagePolicy=v1.TerminationMessagePolicy
core.v1.HTTPGetAction: scheme=v1.URIScheme
core.v1.HostPathVolumeSource: type=v1.HostPathType
core.v1.ImageVolumeSource: pullPolicy=v1.PullPolicy
core.v1.Lifecycle: stopSignal=v1.Signal
core.v1.LimitRangeItem: default=v1.ResourceList defaultRequest=v1.ResourceList max=v1.ResourceList
core.v1.LimitRangeItem: maxLimitRequestRatio=v1.ResourceList min=v1.ResourceList type=v1.LimitType
core.v1.LoadBalancerIngress: ipMode=v1.LoadBalancerIPMode
core.v1.NamespaceCondition: status=v1.ConditionStatus type=v1.NamespaceConditionType
core.v1.NamespaceSpec: finalizers=[]v1.FinalizerName
core.v1.NamespaceStatus: phase=v1.NamespacePhase
core.v1.NodeAddress: type=v1.NodeAddressType
core.v1.NodeCondition: status=v1.ConditionStatus type=v1.NodeConditionType
core.v1.NodeSelectorRequirement: operator=v1.NodeSelectorOperator
core.v1.NodeStatus: allocatable=v1.ResourceList capacity=v1.ResourceList phase=v1.NodePhase
core.v1.NodeStatus: volumesInUse=[]v1.UniqueVolumeName
core.v1.ObjectReference: uid=types.UID
core.v1.PersistentVolumeClaimCondition: status=v1.ConditionStatus type=v1.PersistentVolumeClaimConditionType
core.v1.PersistentVolumeClaimSpec: accessModes=[]v1.PersistentVolumeAccessMode volumeMode=v1.PersistentVolumeMode
core.v1.PersistentVolumeClaimStatus: accessModes=[]v1.PersistentVolumeAccessMode capacity=v1.ResourceList
core.v1.PersistentVolumeClaimStatus: allocatedResources=v1.ResourceList phase=v1.PersistentVolumeClaimPhase
core.v1.PersistentVolumeSpec: accessModes=[]v1.PersistentVolumeAccessMode capacity=v1.ResourceList
core.v1.PersistentVolumeSpec: persistentVolumeReclaimPolicy=v1.PersistentVolumeReclaimPolicy
core.v1.PersistentVolumeSpec: volumeMode=v1.PersistentVolumeMode
core.v1.PersistentVolumeStatus: phase=v1.PersistentVolumePhase
core.v1.PodCondition: status=v1.ConditionStatus type=v1.PodConditionType
core.v1.PodOS: name=v1.OSName
core.v1.PodReadinessGate: conditionType=v1.PodConditionType
core.v1.PodSecurityContext: fsGroupChangePolicy=v1.PodFSGroupChangePolicy
core.v1.PodSecurityContext: seLinuxChangePolicy=v1.PodSELinuxChangePolicy
core.v1.PodSecurityContext: supplementalGroupsPolicy=v1.SupplementalGroupsPolicy
core.v1.PodSpec: dnsPolicy=v1.DNSPolicy overhead=v1.ResourceList preemptionPolicy=v1.PreemptionPolicy
core.v1.PodSpec: restartPolicy=v1.RestartPolicy
core.v1.PodStatus: phase=v1.PodPhase qosClass=v1.PodQOSClass resize=v1.PodResizeStatus
core.v1.PortStatus: protocol=v1.Protocol
core.v1.ReplicationControllerCondition: status=v1.ConditionStatus type=v1.ReplicationControllerConditionType
core.v1.ResourceQuotaSpec: hard=v1.ResourceList scopes=[]v1.ResourceQuotaScope
core.v1.ResourceQuotaStatus: hard=v1.ResourceList used=v1.ResourceList
core.v1.ResourceRequirements: limits=v1.ResourceList requests=v1.ResourceList
core.v1.ScopedResourceSelectorRequirement: operator=v1.ScopeSelectorOperator scopeName=v1.ResourceQuotaScope
core.v1.SeccompProfile: type=v1.SeccompProfileType
core.v1.Secret: type=v1.SecretType
core.v1.SecurityContext: procMount=v1.ProcMountType
core.v1.ServicePort: protocol=v1.Protocol
core.v1.ServiceSpec: externalTrafficPolicy=v1.ServiceExternalTrafficPolicy ipFamilies=[]v1.IPFamily
core.v1.ServiceSpec: internalTrafficPolicy=v1.ServiceInternalTrafficPolicy ipFamilyPolicy=v1.IPFamilyPolicy
core.v1.ServiceSpec: sessionAffinity=v1.ServiceAffinity type=v1.ServiceType
core.v1.Taint: effect=v1.TaintEffect
core.v1.Toleration: effect=v1.TaintEffect operator=v1.TolerationOperator
core.v1.TopologySpreadConstraint: nodeAffinityPolicy=v1.NodeInclusionPolicy nodeTaintsPolicy=v1.NodeInclusionPolicy
core.v1.TopologySpreadConstraint: whenUnsatisfiable=v1.UnsatisfiableConstraintAction
core.v1.VolumeMount: mountPropagation=v1.MountPropagationMode recursiveReadOnly=v1.RecursiveReadOnlyMode
core.v1.VolumeResourceRequirements: limits=v1.ResourceList requests=v1.ResourceList
discovery.v1.EndpointPort: protocol=v1.Protocol
discovery.v1.EndpointSlice: addressType=v1.AddressType
flowcontrol.v1.FlowDistinguisherMethod: type=v1.FlowDistinguisherMethodType
flowcontrol.v1.LimitResponse: type=v1.LimitResponseType
flowcontrol.v1.PriorityLevelConfigurationSpec: type=v1.PriorityLevelEnablement
meta.v1.Condition: status=v1.ConditionStatus
meta.v1.DeleteOptions: propagationPolicy=v1.DeletionPropagation
meta.v1.LabelSelectorRequirement: operator=v1.LabelSelectorOperator
meta.v1.ManagedFieldsEntry: operation=v1.ManagedFieldsOperationType
meta.v1.ObjectMeta: uid=types.UID
meta.v1.OwnerReference: uid=types.UID
meta.v1.Preconditions: uid=types.UID
networking.v1.HTTPIngressPath: pathType=v1.PathType
networking.v1.NetworkPolicyPort: protocol=v1.Protocol
networking.v1.NetworkPolicySpec: policyTypes=[]v1.PolicyType
node.v1.Overhead: podFixed=v1.ResourceList
policy.v1.PodDisruptionBudgetSpec: unhealthyPodEvictionPolicy=v1.UnhealthyPodEvictionPolicyType
resource.v1.DeviceTaint: effect=v1.DeviceTaintEffect
resource.v1.DeviceToleration: effect=v1.DeviceTaintEffect operator=v1.DeviceTolerationOperator
resource.v1.ExactDeviceRequest: allocationMode=v1.DeviceAllocationMode
scheduling.v1.PriorityClass: preemptionPolicy=v1.PreemptionPolicy
storage.v1.CSIDriverSpec: fsGroupPolicy=v1.FSGroupPolicy
storage.v1.CSIDriverSpec: volumeLifecycleModes=[]v1.VolumeLifecycleMode
storage.v1.StorageClass: reclaimPolicy=v1.PersistentVolumeReclaimPolicy volumeBindingMode=v1.VolumeBindingMode
"""
"""Named types of scalars, lists and maps, as an error message quotes them."""
