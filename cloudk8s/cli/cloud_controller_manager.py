"""`cloudk8s cloud-controller-manager`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cloudk8s.cli import output
from cloudk8s.cli.component_gates import ComponentGates, check_feature_gates
from cloudk8s.cli.election_flags import FLAGS as ELECTION_FLAGS
from cloudk8s.cli.election_flags import MIGRATION_FLAGS, ElectionSettings, MigrationSettings, leases
from cloudk8s.cli.idle_flags import with_idle_flags
from cloudk8s.cli.log_flags import LoggingFormat, Verbosity, set_up_logs
from cloudk8s.cli.options import (
    ComponentVersion,
    DisabledPlugins,
    KubeApiBurst,
    KubeApiQps,
    Master,
    UseServiceAccountCredentials,
    names_in,
)
from cloudk8s.cli.setting_flags import flags_of, given_of, with_flags
from cloudk8s.cli.upstream_flags import OF_CLOUD_CONTROLLERS
from cloudk8s.cloud.settings import CloudControllerSettings
from cloudk8s.controlplane.diagnostics.settings import FLAGS as SERVING_FLAGS
from cloudk8s.controlplane.diagnostics.settings import ServingSettings
from cloudk8s.errors import SettingsError

if TYPE_CHECKING:
    from cloudk8s.plugin.clouds import CloudsFile

CLOUD_FLAGS: Final = {
    "cluster": "cluster-name", "cluster_cidrs": "cluster-cidr", "service_cidrs": "service-cluster-ip-range",
    **{
        field: field.replace("_", "-")
        for field in (
            "configure_cloud_routes", "allocate_node_cidrs", "node_cidr_mask_size_ipv4", "node_cidr_mask_size_ipv6",
            "node_monitor_period", "node_status_update_frequency", "route_reconciliation_period",
            "concurrent_service_syncs", "concurrent_node_syncs", "concurrent_node_status_updates",
        )
    },
}  # fmt: skip
"""Field of `CloudControllerSettings`: name of its flag, upstream's."""


@with_idle_flags(OF_CLOUD_CONTROLLERS)
@with_flags(ServingSettings, SERVING_FLAGS, parameter="serving", defaults={"secure_port": 10258})
@with_flags(MigrationSettings, MIGRATION_FLAGS, parameter="migrating")
@with_flags(
    ElectionSettings, ELECTION_FLAGS, parameter="electing", defaults={"resource_name": "cloud-controller-manager"}
)
@with_flags(CloudControllerSettings, CLOUD_FLAGS, parameter="controlling")
def cloud_controller_manager(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(help="The clouds and their settings.")] = None,
    cloud_provider: Annotated[
        str, typer.Option(help="One provider with its default settings, in place of --config.")
    ] = "",
    kubeconfig: Annotated[
        Path | None, typer.Option(help="The cluster and who to be; the usual places if empty.")
    ] = None,
    master: Master = "",
    controllers: Annotated[
        str, typer.Option(help="Which ones run, comma-separated: * all that have work, NAME, -NAME.")
    ] = "*",
    health_port: Annotated[int | None, typer.Option(hidden=True, help="Now --secure-port.")] = None,
    use_service_account_credentials: UseServiceAccountCredentials = False,
    kube_api_qps: KubeApiQps = 0.0,
    kube_api_burst: KubeApiBurst = 100,
    feature_gates: ComponentGates = None,
    v: Verbosity = 0,
    logging_format: LoggingFormat = "text",
    version: ComponentVersion = False,
    disable_plugin: DisabledPlugins = None,
    serving: Mapping[str, Any] = MappingProxyType({}),
    electing: Mapping[str, Any] = MappingProxyType({}),
    migrating: Mapping[str, Any] = MappingProxyType({}),
    controlling: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Run the node, route and load-balancer controllers of one or more clouds, for any Kubernetes cluster.

    Example: cloudk8s cloud-controller-manager --kubeconfig prod.conf --config clouds.yaml
    """
    from cloudk8s.cli.options import clouds_of
    from cloudk8s.controlplane.clouds import CloudControllerOptions, run_cloud_controller_manager
    from cloudk8s.controlplane.loop import run

    set_up_logs(v, logging_format)
    check_feature_gates(feature_gates or ())
    if health_port is not None:
        raise SettingsError("--health-port is gone: --secure-port serves the same over HTTPS (0 for nothing)")
    clouds = changed(clouds_of(config, cloud_provider), given_of(context, controlling))
    options = CloudControllerOptions(
        clouds,
        kubeconfig,
        leases(electing, migrating),
        names_in(controllers),
        tuple(disable_plugin or ()),
        ServingSettings(**serving),
        flags_of(context),
        kube_api_qps,
        kube_api_burst,
        use_service_account_credentials,
        master,
    )
    run(run_cloud_controller_manager(options, report=output.step))


def changed(clouds: CloudsFile, given: Mapping[str, Any]) -> CloudsFile:
    """The file with what flags say otherwise."""
    return clouds.model_copy(update={"controllers": clouds.controllers.model_copy(update=dict(given))})
