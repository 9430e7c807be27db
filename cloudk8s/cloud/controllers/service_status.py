"""What a Service shows of its load balancer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import status_of
from cloudk8s.cloud.model.load_balancer import Ingress, LoadBalancerStatus

CONDITION = "cloudk8s.io/LoadBalancerReady"


def ingress_of(service: Object) -> list[Mapping[str, Any]]:
    """`status.loadBalancer.ingress` as it is."""
    return list((status_of(service).get("loadBalancer") or {}).get("ingress") or ())


def wanted_ingress(status: LoadBalancerStatus) -> list[dict[str, Any]]:
    """`status.loadBalancer.ingress` as it shall be; `ipMode` goes with `ip` and only with it."""
    return [_entry(ingress) for ingress in status.ingress]


def shows(service: Object, status: LoadBalancerStatus) -> bool:
    """Whether the Service shows this status already."""
    return _comparable(ingress_of(service)) == _comparable(wanted_ingress(status))


def condition_patch(
    service: Object, *, ready: bool, reason: str, message: str, now: datetime
) -> list[Mapping[str, Any]] | None:
    """All conditions with ours among them; None where ours says the same already."""
    conditions = [dict(entry) for entry in status_of(service).get("conditions") or ()]
    present = next((entry for entry in conditions if entry.get("type") == CONDITION), None)
    status = "True" if ready else "False"
    if present and (present["status"], present["reason"], present.get("message", "")) == (status, reason, message):
        return None
    same = present is not None and present["status"] == status
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    entry = {
        "type": CONDITION,
        "status": status,
        "reason": reason,
        "message": message[:32768],
        "lastTransitionTime": present["lastTransitionTime"] if same and present else stamp,
    }
    return [*(other for other in conditions if other.get("type") != CONDITION), entry]


def without_condition(service: Object) -> list[Mapping[str, Any]] | None:
    """All conditions but ours; None where it is not there."""
    conditions = status_of(service).get("conditions") or ()
    kept = [entry for entry in conditions if entry.get("type") != CONDITION]
    return kept if len(kept) < len(conditions) else None


def _entry(ingress: Ingress) -> dict[str, Any]:
    if ingress.ip:
        return {"ip": ingress.ip, "ipMode": ingress.ip_mode or "VIP"}
    return {"hostname": ingress.hostname}


def _comparable(entries: list[Any]) -> list[tuple[Any, ...]]:
    return [
        (entry.get("ip"), entry.get("hostname"), entry.get("ipMode") or ("VIP" if entry.get("ip") else None))
        for entry in entries
    ]
