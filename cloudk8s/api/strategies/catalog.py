"""The name table: which strategy a built-in kind has."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType

from cloudk8s.api.features import FeatureGates
from cloudk8s.api.registry_build import DEFAULT_VERSION
from cloudk8s.api.strategies.admission_policy import (
    AdmissionPolicyBindingStrategy,
    MutatingAdmissionPolicyStrategy,
    ValidatingAdmissionPolicyBindingStrategy,
    ValidatingAdmissionPolicyStrategy,
)
from cloudk8s.api.strategies.api_service import APIServiceStrategy
from cloudk8s.api.strategies.certificate_signing_request import CertificateSigningRequestStrategy
from cloudk8s.api.strategies.config_map import ConfigMapStrategy
from cloudk8s.api.strategies.controller_revision import ControllerRevisionStrategy
from cloudk8s.api.strategies.cron_job import CronJobStrategy
from cloudk8s.api.strategies.csi_driver import CSIDriverStrategy
from cloudk8s.api.strategies.csi_node import CSINodeStrategy
from cloudk8s.api.strategies.csi_storage_capacity import CSIStorageCapacityStrategy
from cloudk8s.api.strategies.custom_resource_definition import CustomResourceDefinitionStrategy
from cloudk8s.api.strategies.daemon_set import DaemonSetStrategy
from cloudk8s.api.strategies.deployment import DeploymentStrategy
from cloudk8s.api.strategies.device_class import DeviceClassStrategy
from cloudk8s.api.strategies.endpoint_slice import EndpointSliceStrategy
from cloudk8s.api.strategies.endpoints import EndpointsStrategy
from cloudk8s.api.strategies.event import EventStrategy, NewEventStrategy
from cloudk8s.api.strategies.flow_schema import FlowSchemaStrategy
from cloudk8s.api.strategies.horizontal_pod_autoscaler import HorizontalPodAutoscalerStrategy
from cloudk8s.api.strategies.ingress import IngressStrategy
from cloudk8s.api.strategies.ingress_class import IngressClassStrategy
from cloudk8s.api.strategies.ip_address import IPAddressStrategy
from cloudk8s.api.strategies.job import JobStrategy
from cloudk8s.api.strategies.lease import LeaseStrategy
from cloudk8s.api.strategies.limit_range import LimitRangeStrategy
from cloudk8s.api.strategies.namespace import NamespaceStrategy
from cloudk8s.api.strategies.network_policy import NetworkPolicyStrategy
from cloudk8s.api.strategies.node import NodeStrategy
from cloudk8s.api.strategies.persistent_volume import PersistentVolumeStrategy
from cloudk8s.api.strategies.persistent_volume_claim import PersistentVolumeClaimStrategy
from cloudk8s.api.strategies.pod.strategy import PodStrategy
from cloudk8s.api.strategies.pod_disruption_budget import PodDisruptionBudgetStrategy
from cloudk8s.api.strategies.pod_template import PodTemplateStrategy
from cloudk8s.api.strategies.priority_class import PriorityClassStrategy
from cloudk8s.api.strategies.priority_level_configuration import PriorityLevelConfigurationStrategy
from cloudk8s.api.strategies.replica_set import ReplicaSetStrategy
from cloudk8s.api.strategies.replication_controller import ReplicationControllerStrategy
from cloudk8s.api.strategies.resource_claim import ResourceClaimStrategy, ResourceClaimTemplateStrategy
from cloudk8s.api.strategies.resource_quota import ResourceQuotaStrategy
from cloudk8s.api.strategies.resource_slice import ResourceSliceStrategy
from cloudk8s.api.strategies.role import ClusterRoleStrategy, RoleStrategy
from cloudk8s.api.strategies.role_binding import ClusterRoleBindingStrategy, RoleBindingStrategy
from cloudk8s.api.strategies.runtime_class import RuntimeClassStrategy
from cloudk8s.api.strategies.secret import SecretStrategy
from cloudk8s.api.strategies.service import ServiceStrategy
from cloudk8s.api.strategies.service_account import ServiceAccountStrategy
from cloudk8s.api.strategies.service_cidr import ServiceCIDRStrategy
from cloudk8s.api.strategies.stateful_set import StatefulSetStrategy
from cloudk8s.api.strategies.storage_class import StorageClassStrategy
from cloudk8s.api.strategies.volume_attachment import VolumeAttachmentStrategy
from cloudk8s.api.strategies.volume_attributes_class import VolumeAttributesClassStrategy
from cloudk8s.api.strategies.webhook_configuration import (
    MutatingWebhookConfigurationStrategy,
    ValidatingWebhookConfigurationStrategy,
)
from cloudk8s.api.strategy import Strategies, Strategy


def strategies(version: str = DEFAULT_VERSION, features: FeatureGates | None = None) -> Strategies:
    """Every built-in kind's strategy in a Kubernetes version, by group and kind; shared by all callers."""
    return _strategies(features or FeatureGates(version))


@cache
def _strategies(features: FeatureGates) -> Strategies:
    table: dict[tuple[str, str], Strategy] = {
        ("", "ConfigMap"): ConfigMapStrategy(),
        ("", "Endpoints"): EndpointsStrategy(),
        ("", "Event"): EventStrategy(),
        ("", "LimitRange"): LimitRangeStrategy(),
        ("", "Namespace"): NamespaceStrategy(),
        ("", "Node"): NodeStrategy(),
        ("", "PersistentVolume"): PersistentVolumeStrategy(features),
        ("", "PersistentVolumeClaim"): PersistentVolumeClaimStrategy(features),
        ("", "Pod"): PodStrategy(),
        ("", "PodTemplate"): PodTemplateStrategy(),
        ("", "ReplicationController"): ReplicationControllerStrategy(),
        ("", "ResourceQuota"): ResourceQuotaStrategy(),
        ("", "Secret"): SecretStrategy(),
        ("", "Service"): ServiceStrategy(features),
        ("", "ServiceAccount"): ServiceAccountStrategy(),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"): MutatingAdmissionPolicyStrategy(),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"): AdmissionPolicyBindingStrategy(),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): MutatingWebhookConfigurationStrategy(),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): ValidatingAdmissionPolicyStrategy(),
        (
            "admissionregistration.k8s.io",
            "ValidatingAdmissionPolicyBinding",
        ): ValidatingAdmissionPolicyBindingStrategy(),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): ValidatingWebhookConfigurationStrategy(),
        ("apiextensions.k8s.io", "CustomResourceDefinition"): CustomResourceDefinitionStrategy(),
        ("apiregistration.k8s.io", "APIService"): APIServiceStrategy(),
        ("apps", "ControllerRevision"): ControllerRevisionStrategy(),
        ("apps", "DaemonSet"): DaemonSetStrategy(),
        ("apps", "Deployment"): DeploymentStrategy(),
        ("apps", "ReplicaSet"): ReplicaSetStrategy(),
        ("apps", "StatefulSet"): StatefulSetStrategy(features),
        ("autoscaling", "HorizontalPodAutoscaler"): HorizontalPodAutoscalerStrategy(features),
        ("batch", "CronJob"): CronJobStrategy(),
        ("batch", "Job"): JobStrategy(features),
        ("certificates.k8s.io", "CertificateSigningRequest"): CertificateSigningRequestStrategy(),
        ("coordination.k8s.io", "Lease"): LeaseStrategy(),
        ("discovery.k8s.io", "EndpointSlice"): EndpointSliceStrategy(),
        ("events.k8s.io", "Event"): NewEventStrategy(),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"): FlowSchemaStrategy(),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): PriorityLevelConfigurationStrategy(),
        ("networking.k8s.io", "IPAddress"): IPAddressStrategy(),
        ("networking.k8s.io", "Ingress"): IngressStrategy(),
        ("networking.k8s.io", "IngressClass"): IngressClassStrategy(),
        ("networking.k8s.io", "NetworkPolicy"): NetworkPolicyStrategy(),
        ("networking.k8s.io", "ServiceCIDR"): ServiceCIDRStrategy(),
        ("node.k8s.io", "RuntimeClass"): RuntimeClassStrategy(),
        ("policy", "PodDisruptionBudget"): PodDisruptionBudgetStrategy(),
        ("rbac.authorization.k8s.io", "ClusterRole"): ClusterRoleStrategy(),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ClusterRoleBindingStrategy(),
        ("rbac.authorization.k8s.io", "Role"): RoleStrategy(),
        ("rbac.authorization.k8s.io", "RoleBinding"): RoleBindingStrategy(),
        ("resource.k8s.io", "DeviceClass"): DeviceClassStrategy(),
        ("resource.k8s.io", "ResourceClaim"): ResourceClaimStrategy(),
        ("resource.k8s.io", "ResourceClaimTemplate"): ResourceClaimTemplateStrategy(),
        ("resource.k8s.io", "ResourceSlice"): ResourceSliceStrategy(),
        ("scheduling.k8s.io", "PriorityClass"): PriorityClassStrategy(),
        ("storage.k8s.io", "CSIDriver"): CSIDriverStrategy(features),
        ("storage.k8s.io", "CSINode"): CSINodeStrategy(),
        ("storage.k8s.io", "CSIStorageCapacity"): CSIStorageCapacityStrategy(),
        ("storage.k8s.io", "StorageClass"): StorageClassStrategy(),
        ("storage.k8s.io", "VolumeAttachment"): VolumeAttachmentStrategy(),
        ("storage.k8s.io", "VolumeAttributesClass"): VolumeAttributesClassStrategy(),
    }
    return MappingProxyType(table)
