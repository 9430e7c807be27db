"""Which controllers there are, by upstream's names, and which of them run."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from cloudk8s.controllers.interface import Controller, ControllerContext
from cloudk8s.controllers.names import ALIASES, ELSEWHERE
from cloudk8s.errors import UserError

ControllerFactory = Callable[[ControllerContext], Controller]

BUILT_IN: Final[tuple[tuple[str, str], ...]] = (
    ("namespace-controller", "cloudk8s.controllers.namespace.controller:NamespaceController"),
    ("serviceaccount-controller", "cloudk8s.controllers.service_account:ServiceAccountController"),
    ("root-ca-certificate-publisher-controller", "cloudk8s.controllers.root_ca:RootCAPublisher"),
    (
        "clusterrole-aggregation-controller",
        "cloudk8s.controllers.cluster_role_aggregation:ClusterRoleAggregationController",
    ),
    ("garbage-collector-controller", "cloudk8s.controllers.garbage_collector.controller:GarbageCollector"),
    ("disruption-controller", "cloudk8s.controllers.disruption.controller:DisruptionController"),
    ("resourcequota-controller", "cloudk8s.controllers.resource_quota.controller:ResourceQuotaController"),
    ("pod-garbage-collector-controller", "cloudk8s.controllers.pod_garbage_collector:PodGarbageCollector"),
    ("job-controller", "cloudk8s.controllers.job.controller:JobController"),
    ("cronjob-controller", "cloudk8s.controllers.cron_job.controller:CronJobController"),
    ("ttl-after-finished-controller", "cloudk8s.controllers.ttl_after_finished:TTLAfterFinishedController"),
    ("deployment-controller", "cloudk8s.controllers.deployment.controller:DeploymentController"),
    ("daemonset-controller", "cloudk8s.controllers.daemon_set.controller:DaemonSetController"),
    ("statefulset-controller", "cloudk8s.controllers.stateful_set.controller:StatefulSetController"),
    (
        "persistentvolume-binder-controller",
        "cloudk8s.controllers.persistent_volume.controller:PersistentVolumeBinder",
    ),
    (
        "persistentvolumeclaim-protection-controller",
        "cloudk8s.controllers.claim_protection:ClaimProtection",
    ),
    ("csi-drivers-controller", "cloudk8s.controllers.csi.controller:CsiController"),
    ("persistentvolume-protection-controller", "cloudk8s.controllers.volume_protection:VolumeProtection"),
    (
        "volumeattributesclass-protection-controller",
        "cloudk8s.controllers.attributes_class_protection:AttributesClassProtection",
    ),
    (
        "horizontal-pod-autoscaler-controller",
        "cloudk8s.controllers.autoscaling.controller:HorizontalPodAutoscalerController",
    ),
    ("serviceaccount-token-controller", "cloudk8s.controllers.service_account_tokens:ServiceAccountTokenController"),
    (
        "certificatesigningrequest-approving-controller",
        "cloudk8s.controllers.certificates.approving:ApprovingController",
    ),
    ("certificatesigningrequest-signing-controller", "cloudk8s.controllers.certificates.signing:SigningController"),
    ("certificatesigningrequest-cleaner-controller", "cloudk8s.controllers.certificates.cleaning:CleaningController"),
    ("bootstrap-signer-controller", "cloudk8s.controllers.bootstrap_signer:BootstrapSigner"),
    ("token-cleaner-controller", "cloudk8s.controllers.token_cleaner:TokenCleaner"),
    ("node-ipam-controller", "cloudk8s.controllers.node_ipam.controller:NodeIPAMController"),
    ("ttl-controller", "cloudk8s.controllers.node_ttl:NodeTTLController"),
    ("ephemeral-volume-controller", "cloudk8s.controllers.ephemeral_volumes:EphemeralVolumeController"),
    (
        "persistentvolume-attach-detach-controller",
        "cloudk8s.controllers.attach_detach.controller:AttachDetachController",
    ),
    ("persistentvolume-expander-controller", "cloudk8s.controllers.volume_expander:VolumeExpander"),
    ("selinux-warning-controller", "cloudk8s.controllers.selinux_warning.controller:SELinuxWarningController"),
    ("resourceclaim-controller", "cloudk8s.controllers.resource_claim.controller:ResourceClaimController"),
    (
        "device-taint-eviction-controller",
        "cloudk8s.controllers.device_taints.controller:DeviceTaintEvictionController",
    ),
    ("storage-version-migrator-controller", "cloudk8s.controllers.storage_migration:StorageVersionMigrator"),
    ("podcertificaterequest-cleaner-controller", "cloudk8s.controllers.certificates.pod_requests:PodRequestCleaner"),
    ("storageversion-garbage-collector-controller", "cloudk8s.controllers.storage_versions:StorageVersionCleaner"),
    ("service-cidr-controller", "cloudk8s.controllers.service_cidr:ServiceCIDRController"),
    ("ipallocator-repair-controller", "cloudk8s.controllers.service_addresses:ServiceAddressRepair"),
    ("portallocator-repair-controller", "cloudk8s.controllers.service_node_ports:NodePortRepair"),
    ("kube-apiserver-identity-lease-garbage-collector", "cloudk8s.controllers.identity_leases:IdentityLeaseCleaner"),
    (
        "validatingadmissionpolicy-status-controller",
        "cloudk8s.controllers.policy_status:PolicyStatusController",
    ),
    (
        "legacy-serviceaccount-token-cleaner-controller",
        "cloudk8s.controllers.legacy_tokens:LegacyTokenCleaner",
    ),
    ("endpoints-controller", "cloudk8s.controllers.endpoints:EndpointsController"),
    ("endpointslice-controller", "cloudk8s.controllers.endpoint_slice.controller:EndpointSliceController"),
    (
        "endpointslice-mirroring-controller",
        "cloudk8s.controllers.endpoint_slice.mirroring:EndpointSliceMirroringController",
    ),
    ("node-lifecycle-controller", "cloudk8s.controllers.node_lifecycle.controller:NodeLifecycleController"),
    ("taint-eviction-controller", "cloudk8s.controllers.taint_eviction:TaintEvictionController"),
    ("replicaset-controller", "cloudk8s.controllers.replica_set:ReplicaSetController"),
    (
        "replicationcontroller-controller",
        "cloudk8s.controllers.replication_controller:ReplicationControllerController",
    ),
)
"""Name and `module:class` of each controller of ours; modules are imported when they are needed."""

OF_API_SERVER: Final = (
    "ipallocator-repair-controller",
    "portallocator-repair-controller",
    "kube-apiserver-identity-lease-garbage-collector",
)
"""What upstream's API server does itself: on beside an API server of ours, off for any other."""

OFF_BY_DEFAULT: Final = frozenset({"bootstrap-signer-controller", "token-cleaner-controller", *OF_API_SERVER})


@dataclass(frozen=True, slots=True)
class Registration:
    """One controller that can run."""

    name: str
    factory: ControllerFactory
    is_default: bool = True


class ControllerRegistry:
    """Name table of controllers; plugins register theirs the way the built-in ones are."""

    def __init__(self) -> None:
        self._registrations: dict[str, Registration] = {}

    def __iter__(self) -> Iterator[Registration]:
        return iter(self._registrations.values())

    def register(self, name: str, factory: ControllerFactory, *, is_default: bool = True) -> None:
        """Add a controller under a name that is not taken."""
        if name in self._registrations:
            raise ValueError(f"a controller named {name!r} is already registered")
        self._registrations[name] = Registration(name, factory, is_default)

    def select(self, controllers: Sequence[str]) -> Sequence[Registration]:
        """The registrations that `--controllers` asks for, in the order they were registered.

        Upstream's rule: the first entry that is `name` or `-name` decides; else `*` takes what is on by default.
        """
        wanted = [self._canonical(entry.strip()) for entry in controllers]
        return [registration for registration in self if _is_selected(registration, wanted)]

    def _canonical(self, entry: str) -> str:
        sign, name = ("-", entry[1:]) if entry.startswith("-") else ("", entry)
        name = ALIASES.get(name, name)
        if name in ELSEWHERE and name not in self._registrations:
            if not sign:
                raise UserError(f'controller "{name}" does not run here: {ELSEWHERE[name]}')
        elif name not in self._registrations and (sign or name != "*"):
            raise UserError(f'there is no controller "{name}"{_suggestion(name, self._registrations)}')
        return sign + name


def built_in_controllers() -> ControllerRegistry:
    """A new registry with every controller of ours."""
    registry = ControllerRegistry()
    for name, target in BUILT_IN:
        registry.register(name, _lazy(target), is_default=name not in OFF_BY_DEFAULT)
    return registry


def _is_selected(registration: Registration, wanted: Sequence[str]) -> bool:
    for entry in wanted:
        if entry == registration.name:
            return True
        if entry == f"-{registration.name}":
            return False
    return "*" in wanted and registration.is_default


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def _lazy(target: str) -> ControllerFactory:
    def factory(context: ControllerContext) -> Controller:
        module, _, name = target.partition(":")
        make: ControllerFactory = getattr(import_module(module), name)
        return make(context)

    return factory
