"""`cloudk8s cluster create`."""

from __future__ import annotations

from typing import Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.cluster.declaring import Wishes, declared
from cloudk8s.cli.cluster.describe import show
from cloudk8s.cli.cluster.kubeconfig import merge_into_yours
from cloudk8s.cli.cluster.making import make
from cloudk8s.cli.cluster.options import (
    ControlPlanes,
    File,
    Offline,
    OptionalName,
    Provider,
    Set,
    Timeout,
    Where,
    Workers,
    named,
    seconds,
    working,
)
from cloudk8s.cli.options import DisabledPlugins, Output
from cloudk8s.cli.output import Format


def create(
    name: OptionalName = "",
    file: File = None,
    provider: Provider = "",
    offline: Offline = False,
    workers: Workers = None,
    control_plane: ControlPlanes = None,
    worker_type: Annotated[str, typer.Option(help="Type of the workers.")] = "",
    control_plane_type: Annotated[str, typer.Option(help="Type of the control plane's machines.")] = "",
    store: Annotated[str, typer.Option(help="Where the control plane keeps its state: sqlite or etcd.")] = "",
    self_managed: Annotated[
        bool, typer.Option("--self-managed", help="Let the control plane look after the cluster from then on.")
    ] = False,
    zones: Annotated[str, typer.Option(help="Zones, comma-separated.")] = "",
    nat: Annotated[str, typer.Option(help="none, single or per-zone.")] = "",
    kubernetes_version: Annotated[str, typer.Option(help="Version of Kubernetes.")] = "",
    bootstrap: Annotated[str, typer.Option(help="How machines become nodes: cloudk8s, kubeadm, k3s or none.")] = "",
    settings: Set = None,
    disable_plugin: DisabledPlugins = None,
    timeout: Timeout = "25m",
    format: Output = Format.TABLE,
) -> None:
    """Make a cluster, or go on where an earlier run stopped; run it again at any time.

    Example: cloudk8s cluster create demo --provider aws --offline --workers 3
    """
    from cloudk8s.provisioning.access import has_nodes
    from cloudk8s.provisioning.state import look

    limit = seconds(timeout)
    name, from_file = named(name, file)
    wishes = Wishes(
        workers,
        control_plane,
        worker_type,
        control_plane_type,
        zones,
        nat,
        kubernetes_version,
        bootstrap,
        store,
        self_managed,
    )
    with working(
        name, Where.of(provider, offline, settings, disable_plugin), declared=from_file, remembers=True, format=format
    ) as site:
        state = look(site)
        state = make(site, declared(site, state, from_file, wishes), state, timeout=limit, file=file)
        show(site, look(site) if format is not Format.TABLE else state, format)
        if joined := has_nodes(site, state):
            merge_into_yours(site, state)
    if format is Format.TABLE:
        output.say("next: kubectl get nodes" if joined else f"next: cloudk8s cluster describe {name}")
