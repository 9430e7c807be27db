"""Which controllers an API server has work for: one that serves no CronJobs needs no controller of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from cloudk8s.client import resources
from cloudk8s.client.discovery import discover
from cloudk8s.client.interface import Client, Resource
from cloudk8s.controllers.registry import Registration
from cloudk8s.errors import StatusError

NEEDS: Final[Mapping[str, Resource]] = {
    "certificatesigningrequest-approving-controller": resources.CERTIFICATE_SIGNING_REQUESTS,
    "certificatesigningrequest-cleaner-controller": resources.CERTIFICATE_SIGNING_REQUESTS,
    "certificatesigningrequest-signing-controller": resources.CERTIFICATE_SIGNING_REQUESTS,
    "clusterrole-aggregation-controller": resources.CLUSTER_ROLES,
    "cronjob-controller": resources.CRON_JOBS,
    "daemonset-controller": resources.DAEMON_SETS,
    "deployment-controller": resources.DEPLOYMENTS,
    "device-taint-eviction-controller": resources.RESOURCE_SLICES,
    "disruption-controller": resources.POD_DISRUPTION_BUDGETS,
    "endpointslice-controller": resources.ENDPOINT_SLICES,
    "endpointslice-mirroring-controller": resources.ENDPOINT_SLICES,
    "horizontal-pod-autoscaler-controller": resources.HORIZONTAL_POD_AUTOSCALERS,
    "job-controller": resources.JOBS,
    "replicaset-controller": resources.REPLICA_SETS,
    "resourceclaim-controller": resources.RESOURCE_CLAIMS,
    "service-cidr-controller": resources.SERVICE_CIDRS,
    "statefulset-controller": resources.STATEFUL_SETS,
    "ttl-after-finished-controller": resources.JOBS,
    "validatingadmissionpolicy-status-controller": resources.VALIDATING_ADMISSION_POLICIES,
    "volumeattributesclass-protection-controller": resources.VOLUME_ATTRIBUTES_CLASSES,
}
"""What each controller is for. Older servers lack some of it, others have turned some off; the rest all have."""

_log = logging.getLogger(__name__)


async def with_work(client: Client, registrations: Sequence[Registration]) -> Sequence[Registration]:
    """Those whose resource the server has, or may have: it is asked once; what it does not answer counts as had."""
    if not any(each.name in NEEDS for each in registrations):
        return registrations
    try:
        found = await discover(client)
    except StatusError as error:
        _log.warning("what the server has is not known, so every controller runs: %s", error)
        return registrations
    served = {(each.resource.api_version, each.resource.plural) for each in found.resources}

    def has_work(each: Registration) -> bool:
        need = NEEDS.get(each.name)
        if need is None or need.group in found.failed or (need.api_version, need.plural) in served:
            return True
        _log.warning("%s does not run: the server has no %s of %s", each.name, need.plural, need.api_version)
        return False

    return [each for each in registrations if has_work(each)]
