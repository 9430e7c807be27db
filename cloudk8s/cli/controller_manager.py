"""`cloudk8s controller-manager`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from cloudk8s.cli import output
from cloudk8s.cli.component_gates import ComponentGates, check_feature_gates
from cloudk8s.cli.controller_flags import FLAGS
from cloudk8s.cli.election_flags import FLAGS as ELECTION_FLAGS
from cloudk8s.cli.election_flags import MIGRATION_FLAGS, ElectionSettings, MigrationSettings, leases
from cloudk8s.cli.idle_flags import with_idle_flags
from cloudk8s.cli.log_flags import LoggingFormat, Verbosity, set_up_logs
from cloudk8s.cli.options import (
    ComponentVersion,
    CsiEndpoints,
    DisabledPlugins,
    KubeApiBurst,
    KubeApiQps,
    Master,
    UseServiceAccountCredentials,
    names_in,
)
from cloudk8s.cli.setting_flags import flags_of, with_flags
from cloudk8s.cli.signing_files import FLAGS as SIGNING_FLAGS
from cloudk8s.cli.signing_files import SigningFiles, authorities
from cloudk8s.cli.upstream_flags import OF_CONTROLLERS
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.controlplane.diagnostics.settings import FLAGS as SERVING_FLAGS
from cloudk8s.controlplane.diagnostics.settings import ServingSettings
from cloudk8s.errors import SettingsError


@with_idle_flags(OF_CONTROLLERS)
@with_flags(ControllerSettings, FLAGS)
@with_flags(SigningFiles, SIGNING_FLAGS, parameter="signing")
@with_flags(ServingSettings, SERVING_FLAGS, parameter="serving", defaults={"secure_port": 10257})
@with_flags(MigrationSettings, MIGRATION_FLAGS, parameter="migrating")
@with_flags(
    ElectionSettings, ELECTION_FLAGS, parameter="electing", defaults={"resource_name": "kube-controller-manager"}
)
def controller_manager(
    context: typer.Context,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="The cluster and who to be; the usual places if empty.")
    ] = None,
    master: Master = "",
    controllers: Annotated[
        str, typer.Option(help="Which ones run, comma-separated: * all that are on by default, NAME, -NAME.")
    ] = "*",
    root_ca_file: Annotated[
        Path | None, typer.Option(help="Certificates that pods trust the API server by; the kubeconfig's if empty.")
    ] = None,
    service_account_private_key_file: Annotated[
        Path | None, typer.Option(help="Key that tokens in Secrets are signed with; without it none are made.")
    ] = None,
    use_service_account_credentials: UseServiceAccountCredentials = False,
    cluster_signing_cert_file: Annotated[
        Path | None, typer.Option(help="Authority that signs certificate requests; without it none are signed.")
    ] = None,
    cluster_signing_key_file: Annotated[Path | None, typer.Option(help="Key of that authority.")] = None,
    cluster_cidr: Annotated[str, typer.Option(help="Range of pods; two, comma-separated, for dual stack.")] = "",
    service_cluster_ip_range: Annotated[str, typer.Option(help="Range of Services, which no node gets.")] = "",
    csi_endpoint: CsiEndpoints = None,
    kube_api_qps: KubeApiQps = 0.0,
    kube_api_burst: KubeApiBurst = 100,
    feature_gates: ComponentGates = None,
    v: Verbosity = 0,
    logging_format: LoggingFormat = "text",
    version: ComponentVersion = False,
    disable_plugin: DisabledPlugins = None,
    settings: Mapping[str, Any] = MappingProxyType({}),
    serving: Mapping[str, Any] = MappingProxyType({}),
    electing: Mapping[str, Any] = MappingProxyType({}),
    migrating: Mapping[str, Any] = MappingProxyType({}),
    signing: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Run the controllers for any Kubernetes cluster until stopped.

    Example: cloudk8s controller-manager --kubeconfig admin.conf --controllers '*,-cronjob-controller'
    """
    from cloudk8s.controlplane.controller_manager import ControllerManagerOptions, run_controller_manager
    from cloudk8s.controlplane.loop import run
    from cloudk8s.settings import ClusterSettings

    set_up_logs(v, logging_format)
    check_feature_gates(feature_gates or ())
    given: dict[str, Any] = {
        **settings,
        "controllers": names_in(controllers),
        "root_ca": _content(root_ca_file),
        "service_account_key": _content(service_account_private_key_file),
        "cluster_signing_certificate": _content(cluster_signing_cert_file),
        "cluster_signing_key": _content(cluster_signing_key_file),
        "signing_authorities": authorities(SigningFiles(**signing)),
    }
    _check_node_ranges(settings, cluster_cidr)
    ranges: dict[str, Any] = {
        "csi_endpoints": tuple(csi_endpoint or ()),
        "cluster_cidr": cluster_cidr,
        "service_cluster_ip_range": service_cluster_ip_range,
    }
    options = ControllerManagerOptions(
        kubeconfig=kubeconfig,
        master=master,
        leases=leases(electing, migrating),
        cluster=ClusterSettings(data_dir=Path(), **{name: value for name, value in ranges.items() if value}),
        controllers=ControllerSettings(**given),
        disabled_plugins=tuple(disable_plugin or ()),
        use_service_account_credentials=use_service_account_credentials,
        serving=ServingSettings(**serving),
        flags=flags_of(context),
        qps=kube_api_qps,
        burst=kube_api_burst,
    )
    run(run_controller_manager(options, report=output.step))


def _check_node_ranges(settings: Mapping[str, Any], cluster_cidr: str) -> None:
    if settings["allocate_node_cidrs"] and not cluster_cidr:
        raise SettingsError("--allocate-node-cidrs needs --cluster-cidr")
    if settings["node_cidr_mask_size"] and "," in cluster_cidr:
        raise SettingsError("--node-cidr-mask-size is for one range; with two say --node-cidr-mask-size-ipv4 and -ipv6")


def _content(file: Path | None) -> str:
    return file.read_text() if file else ""
