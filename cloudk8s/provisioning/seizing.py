"""Take a cluster out of its own hands before it is deleted: else it would make again what goes."""

from __future__ import annotations

from cloudk8s.errors import CloudK8sError
from cloudk8s.provisioning.access import access_to, addressed
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.nodes.turns import SECONDS, Turn
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.settling import Busy
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import State

LASTS = 3600
"""Seconds; by then there is no manager any more."""


def seize(site: Site, state: State) -> None:
    """Nothing where the cluster does not look after itself, or its API is gone. Raises Busy."""
    if state.recorded is None or not state.recorded.self_managed:
        return
    try:
        api = ClusterApi(access_to(site, addressed(site, state)))
    except CloudK8sError as error:
        site.report(Event("waiting", f"cluster {site.cluster}", f"is deleted without its consent: {error}"))
        return
    try:
        _take(site, api)
    finally:
        api.close()


def _take(site: Site, api: ClusterApi) -> None:
    turn, deadline = Turn(seconds=LASTS), site.timer.monotonic() + SECONDS + 30
    while True:
        try:
            holder = turn.take(api, site.clock.now())
        except CloudK8sError as error:
            site.report(Event("waiting", f"cluster {site.cluster}", f"does not answer, and is deleted: {error}"))
            return
        if not holder:
            return
        if site.timer.monotonic() >= deadline:
            raise Busy(f'{holder} works on cluster "{site.cluster}"; wait for it, or stop it')
        site.report(Event("waiting", f"cluster {site.cluster}", f"{holder} works on it"))
        site.timer.pause(2.0)
