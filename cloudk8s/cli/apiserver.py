"""`cloudk8s apiserver`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli.options import DisabledPlugins, FeatureGates, names_in
from cloudk8s.cli.programs.process import Serve


def apiserver(
    data_dir: Annotated[Path, typer.Option(help="Where certificates and the store are kept.")],
    secure_port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.")] = 6443,
    bind_address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    kubeconfig_out: Annotated[Path | None, typer.Option(help="Write an administrator's kubeconfig here.")] = None,
    kubernetes_version: Annotated[str, typer.Option(help="Minor version of the API.")] = "1.37",
    feature_gates: FeatureGates = "",
    store: Annotated[str, typer.Option(help="Store URL; SQLite in the data directory if empty.")] = "",
    service_cluster_ip_range: Annotated[str, typer.Option(help="Range of Service addresses.")] = "10.96.0.0/16",
    service_node_port_range: Annotated[str, typer.Option(help="Range of node ports.")] = "30000-32767",
    authorization_mode: Annotated[
        str, typer.Option(help="Node, RBAC, AlwaysAllow, AlwaysDeny, plugins' own.")
    ] = "Node,RBAC",
    token_auth_file: Annotated[Path | None, typer.Option(help="Static tokens: token,user,uid,groups.")] = None,
    service_account_extra_certificates: Annotated[
        str, typer.Option(help="NAME:KEY,… of ConfigMaps that every pod's token volume also projects.")
    ] = "",
    enable_admission_plugins: Annotated[
        str, typer.Option(help="Names, comma-separated; all are on but those disabled.")
    ] = "",
    disable_admission_plugins: Annotated[str, typer.Option(help="Names, comma-separated.")] = "",
    disable_plugin: DisabledPlugins = None,
    max_requests_inflight: Annotated[
        int, typer.Option(min=0, help="Reads at once; with the next, the seats that priority levels share.")
    ] = 400,
    max_mutating_requests_inflight: Annotated[int, typer.Option(min=0, help="Writes at once.")] = 200,
    audit_policy_file: Annotated[Path | None, typer.Option(help="What to audit; nothing without it.")] = None,
    audit_log_path: Annotated[str, typer.Option(help="Where audit events go; - is standard output.")] = "-",
    audit_log_maxsize: Annotated[int, typer.Option(help="Megabytes at which the file is rotated.")] = 100,
    audit_log_maxbackup: Annotated[int, typer.Option(help="How many rotated files are kept; 0 is all.")] = 10,
) -> None:
    """Run the API server alone until it is stopped.

    Example: cloudk8s apiserver --data-dir /tmp/api --secure-port 6443 --kubeconfig-out admin.conf
    """
    from cloudk8s.cli.checked_settings import checked
    from cloudk8s.cli.programs.apiserver import Options
    from cloudk8s.settings import ClusterSettings

    given = {
        "data_dir": data_dir.absolute(),
        "bind": bind_address,
        "port": secure_port,
        "store": store,
        "kubernetes_version": kubernetes_version,
        "feature_gates": feature_gates,
        "service_cluster_ip_range": service_cluster_ip_range,
        "service_node_port_range": service_node_port_range,
        "disabled_plugins": disable_plugin or (),
    }
    settings = checked(ClusterSettings, given)
    extra = tuple(tuple(part.split(":", 1)) for part in service_account_extra_certificates.split(",") if ":" in part)
    options = Options(
        settings,
        kubeconfig_out,
        authorization_modes=names_in(authorization_mode),
        token_file=token_auth_file,
        enabled_admission=names_in(enable_admission_plugins),
        disabled_admission=names_in(disable_admission_plugins),
        extra_certificates=tuple((name, key) for name, key in extra),
        seats=max_requests_inflight + max_mutating_requests_inflight,
        audit_policy=audit_policy_file,
        audit_log=audit_log_path,
        audit_megabytes=audit_log_maxsize,
        audit_backups=audit_log_maxbackup,
    )
    raise Serve("apiserver", options)
