"""`cloudk8s cloud-controller-manager`."""

from __future__ import annotations

import socket
import uuid
from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.options import DisabledPlugins


def cloud_controller_manager(
    config: Annotated[Path | None, typer.Option(help="The clouds and their settings.")] = None,
    cloud_provider: Annotated[
        str, typer.Option(help="One provider with its default settings, in place of --config.")
    ] = "",
    kubeconfig: Annotated[
        Path | None, typer.Option(help="The cluster and who to be; the usual places if empty.")
    ] = None,
    controllers: Annotated[
        str, typer.Option(help="Which ones run, comma-separated: * all that have work, NAME, -NAME.")
    ] = "*",
    leader_elect: Annotated[
        bool, typer.Option("--leader-elect/--no-leader-elect", help="Work only while holding the lease.")
    ] = True,
    bind_address: Annotated[str, typer.Option(help="Address of the health port.")] = "127.0.0.1",
    health_port: Annotated[
        int, typer.Option(help="Port of /healthz, /metrics and /configz, without TLS; 0 serves none.")
    ] = 10258,
    disable_plugin: DisabledPlugins = None,
) -> None:
    """Run the node, route and load-balancer controllers of one or more clouds, for any Kubernetes cluster.

    Example: cloudk8s cloud-controller-manager --kubeconfig prod.conf --config clouds.yaml
    """
    from cloudk8s.cli.options import clouds_of
    from cloudk8s.client.leader_election import LeaderElection
    from cloudk8s.controlplane.clouds import COMPONENT, CloudControllerOptions, run_cloud_controller_manager
    from cloudk8s.controlplane.loop import run

    clouds = clouds_of(config, cloud_provider)
    identity = f"{socket.gethostname()}_{uuid.uuid4()}"
    options = CloudControllerOptions(
        clouds,
        kubeconfig,
        LeaderElection(COMPONENT, identity) if leader_elect else None,
        tuple(part.strip() for part in controllers.split(",") if part.strip()),
        tuple(disable_plugin or ()),
        bind_address,
        health_port,
    )
    run(run_cloud_controller_manager(options, report=output.step))
