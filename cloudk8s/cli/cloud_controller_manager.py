"""`cloudk8s cloud-controller-manager`."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from cloudk8s.cli import output
from cloudk8s.cli.options import DisabledPlugins
from cloudk8s.cli.setting_flags import flags_of, with_flags
from cloudk8s.controlplane.diagnostics.settings import FLAGS as SERVING_FLAGS
from cloudk8s.controlplane.diagnostics.settings import ServingSettings
from cloudk8s.errors import SettingsError


@with_flags(ServingSettings, SERVING_FLAGS, parameter="serving", defaults={"secure_port": 10258})
def cloud_controller_manager(
    context: typer.Context,
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
    health_port: Annotated[int | None, typer.Option(hidden=True, help="Now --secure-port.")] = None,
    disable_plugin: DisabledPlugins = None,
    serving: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Run the node, route and load-balancer controllers of one or more clouds, for any Kubernetes cluster.

    Example: cloudk8s cloud-controller-manager --kubeconfig prod.conf --config clouds.yaml
    """
    from cloudk8s.cli.options import clouds_of
    from cloudk8s.client.leader_election import LeaderElection
    from cloudk8s.controlplane.clouds import COMPONENT, CloudControllerOptions, run_cloud_controller_manager
    from cloudk8s.controlplane.loop import run

    if health_port is not None:
        raise SettingsError("--health-port is gone: --secure-port serves the same over HTTPS (0 for nothing)")
    clouds = clouds_of(config, cloud_provider)
    identity = f"{socket.gethostname()}_{uuid.uuid4()}"
    options = CloudControllerOptions(
        clouds,
        kubeconfig,
        LeaderElection(COMPONENT, identity) if leader_elect else None,
        tuple(part.strip() for part in controllers.split(",") if part.strip()),
        tuple(disable_plugin or ()),
        ServingSettings(**serving),
        flags_of(context),
    )
    run(run_cloud_controller_manager(options, report=output.step))
