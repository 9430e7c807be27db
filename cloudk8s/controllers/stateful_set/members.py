"""The pods of a StatefulSet: ordinals, names and health; pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, labels_of, name_of, namespace_of, spec_of
from cloudk8s.client.resources import STATEFUL_SETS
from cloudk8s.controllers.pods import is_ready, phase, pod_from_template
from cloudk8s.controllers.revisions import POD_LABEL
from cloudk8s.controllers.stateful_set.volumes import claims_of
from cloudk8s.machinery.int_or_string import scaled_value

NAME_LABEL: Final = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL: Final = "apps.kubernetes.io/pod-index"
_NAME: Final = re.compile(r"(.*)-([0-9]+)", re.ASCII | re.DOTALL)
_LARGEST: Final = 2**31 - 1


def parent_and_ordinal(name: str) -> tuple[str, int]:
    """What a pod's name says; ordinal -1 where it says nothing."""
    match = _NAME.fullmatch(name)
    if match is None:
        return "", -1
    ordinal = int(match[2])
    return match[1], ordinal if ordinal <= _LARGEST else -1


def ordinal_of(pod: Object) -> int:
    return parent_and_ordinal(name_of(pod))[1]


def is_member(owner: Object, pod: Object) -> bool:
    return parent_and_ordinal(name_of(pod))[0] == name_of(owner)


def replicas(owner: Object) -> int:
    wanted = spec_of(owner).get("replicas")
    return 1 if wanted is None else int(wanted)


def first_ordinal(owner: Object) -> int:
    return int((spec_of(owner).get("ordinals") or {}).get("start") or 0)


def ordinals(owner: Object) -> range:
    """The ordinals that should have a pod."""
    first = first_ordinal(owner)
    return range(first, first + replicas(owner))


def min_ready_seconds(owner: Object) -> int:
    return int(spec_of(owner).get("minReadySeconds") or 0)


def is_ordered(owner: Object) -> bool:
    """Whether pods come and go one after the other."""
    return spec_of(owner).get("podManagementPolicy") != "Parallel"


def strategy(owner: Object) -> Mapping[str, Any]:
    return spec_of(owner).get("updateStrategy") or {}


def partition(owner: Object) -> int:
    """Pods with lower places in the order keep the current revision."""
    return int((strategy(owner).get("rollingUpdate") or {}).get("partition") or 0)


def max_unavailable(owner: Object) -> int:
    """How many pods an update may take away at once: one, strictly in order, where the field is not set."""
    value = (strategy(owner).get("rollingUpdate") or {}).get("maxUnavailable")
    if value is None:
        return 1
    return max(1, scaled_value(value, replicas(owner), round_up=False))


def revision_of(pod: Object) -> str:
    return labels_of(pod).get(POD_LABEL, "")


def is_created(pod: Object) -> bool:
    return phase(pod) != ""


def is_running_and_ready(pod: Object) -> bool:
    return phase(pod) == "Running" and is_ready(pod)


def new_pod(owner: Object, ordinal: int, revision: str) -> Object:
    """The pod of an ordinal, made from the owner's template."""
    pod = pod_from_template(spec_of(owner)["template"], owner, STATEFUL_SETS)
    name = f"{name_of(owner)}-{ordinal}"
    metadata = pod["metadata"]
    metadata |= {"name": name, "namespace": namespace_of(owner)}
    identity = {NAME_LABEL: name, INDEX_LABEL: str(ordinal), POD_LABEL: revision}
    metadata["labels"] = {**metadata.get("labels", {}), **identity}
    pod["spec"] |= {"hostname": name}
    if service := spec_of(owner).get("serviceName"):
        pod["spec"]["subdomain"] = service
    pod["spec"]["volumes"] = volumes_of(owner, pod)
    if not pod["spec"]["volumes"]:
        del pod["spec"]["volumes"]
    return pod


def volumes_of(owner: Object, pod: Object) -> list[Mapping[str, Any]]:
    """A pod's volumes, those of the claim templates first; a template replaces a volume of its name."""
    claims = claims_of(owner, ordinal_of(pod))
    own = [{"name": name, "persistentVolumeClaim": {"claimName": name_of(claim)}} for name, claim in claims.items()]
    return [*own, *(volume for volume in spec_of(pod).get("volumes") or () if volume["name"] not in claims)]


def has_identity(owner: Object, pod: Object) -> bool:
    """Whether a pod's labels say who it is."""
    return is_member(owner, pod) and labels_of(pod).get(NAME_LABEL) == name_of(pod)


def has_storage(owner: Object, pod: Object) -> bool:
    """Whether a pod uses its claims."""
    used = {
        volume["name"]: (volume.get("persistentVolumeClaim") or {}).get("claimName")
        for volume in spec_of(pod).get("volumes") or ()
    }
    claims = claims_of(owner, ordinal_of(pod))
    return all(used.get(name) == name_of(claim) for name, claim in claims.items())


def is_failed(pod: Object) -> bool:
    """It has ended, well or not, and is to be made again."""
    return phase(pod) in ("Failed", "Succeeded")


def is_staying(pod: Object) -> bool:
    return is_created(pod) and not is_deleting(pod)
