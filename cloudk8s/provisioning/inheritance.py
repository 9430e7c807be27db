"""What workloads of a cluster have made, and what becomes of it when the cluster goes; known before anything does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cloudk8s.cloud.interface import SweepsWorkloads
from cloudk8s.cloud.model.leftover import Fate, Leftover
from cloudk8s.errors import CloudK8sError
from cloudk8s.provisioning.leftovers import Consent, fates_of, is_kept
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.teardown import belongings


@dataclass(frozen=True, slots=True)
class Inheritance:
    """Of load balancers, volumes and all else that controllers of workloads made."""

    going: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


NOTHING = Inheritance()


def inheritance(site: Site, consent: Consent, api: ClusterApi | None = None) -> Inheritance:
    """What is there now; the cluster's API, where it answers, knows better what is retained than the account."""
    owned, left = belongings(site), _left(site, api)
    volumes = [f"volume {volume.id} ({volume.name})" for volume in owned.volumes]
    going = [f"load balancer of {service}" for service in owned.services]
    going += [*([] if consent == "none" else volumes), *(str(each) for each in left if not is_kept(each, consent))]
    kept = [*(volumes if consent == "none" else []), *(str(each) for each in left if is_kept(each, consent))]
    return Inheritance(tuple(going), tuple(kept))


def _left(site: Site, api: ClusterApi | None) -> Sequence[Leftover]:
    contract: object = site.networks
    if not isinstance(contract, SweepsWorkloads):
        return ()
    fates = _fates(api)
    found = site.engine.retries.call(lambda: contract.leftovers(site.cluster))
    return [replace(each, fate=fates.get(each.id, each.fate)) for each in found]


def _fates(api: ClusterApi | None) -> Mapping[str, Fate]:
    try:
        return fates_of(api) if api is not None else {}
    except CloudK8sError:  # told when it matters: as what was written down before counts then
        return {}
