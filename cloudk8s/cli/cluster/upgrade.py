"""`cloudk8s cluster upgrade`."""

from __future__ import annotations

from typing import Annotated

import typer

from cloudk8s.cli.cluster.describe import show
from cloudk8s.cli.cluster.options import (
    Name,
    Offline,
    Provider,
    Set,
    Timeout,
    Where,
    changed,
    look_at,
    seconds,
    working,
)
from cloudk8s.cli.options import DisabledPlugins, Output
from cloudk8s.cli.output import Format


def upgrade(
    name: Name,
    kubernetes_version: Annotated[str, typer.Option("--kubernetes-version", help="The version to go to.")],
    provider: Provider = "",
    offline: Offline = False,
    settings: Set = None,
    disable_plugin: DisabledPlugins = None,
    timeout: Timeout = "1h",
    format: Output = Format.TABLE,
) -> None:
    """Go to another version: the control plane first, one machine at a time, then the pools.

    Example: cloudk8s cluster upgrade demo --kubernetes-version 1.38
    """
    from cloudk8s.provisioning.converging import converge
    from cloudk8s.provisioning.versions import check_upgrade

    limit = seconds(timeout)
    with working(name, Where.of(provider, offline, settings, disable_plugin), format=format) as site:
        state, recorded = look_at(site)
        declaration = changed(recorded, {"kubernetesVersion": kubernetes_version})
        check_upgrade(recorded.version, declaration.version)
        show(site, converge(site, declaration, timeout=limit, state=state), format)
