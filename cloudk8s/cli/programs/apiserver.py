"""The API server alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cloudk8s.cli import output
from cloudk8s.settings import ClusterSettings


@dataclass(frozen=True, slots=True)
class Options:
    """The cluster's settings, and what concerns the server alone: see `ApiServerOptions`."""

    settings: ClusterSettings
    kubeconfig_out: Path | None
    authorization_modes: tuple[str, ...]
    token_file: Path | None
    enabled_admission: tuple[str, ...]
    disabled_admission: tuple[str, ...]
    extra_certificates: tuple[tuple[str, str], ...]
    seats: int
    audit_policy: Path | None
    audit_log: str
    audit_megabytes: int
    audit_backups: int


def run(options: Options) -> None:
    """Serve until stopped."""
    from cloudk8s.apiserver.audit.log_file import Rotation
    from cloudk8s.controlplane.api_server import ApiServerOptions
    from cloudk8s.controlplane.loop import run
    from cloudk8s.controlplane.standalone import run_api_server

    server = ApiServerOptions(
        authorization_modes=options.authorization_modes,
        token_file=options.token_file,
        enabled_admission=options.enabled_admission,
        disabled_admission=options.disabled_admission,
        extra_certificates=options.extra_certificates,
        seats=options.seats,
        audit_policy=options.audit_policy,
        audit_log=options.audit_log,
        audit_rotation=Rotation(options.audit_megabytes, options.audit_backups),
    )
    run(run_api_server(options.settings, server, kubeconfig_out=options.kubeconfig_out, report=output.step))
