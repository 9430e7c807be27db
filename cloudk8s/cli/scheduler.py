"""`cloudk8s scheduler`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from cloudk8s.cli import output
from cloudk8s.cli.options import DisabledPlugins, duration
from cloudk8s.cli.setting_flags import flags_of, with_flags
from cloudk8s.controlplane.diagnostics.settings import FLAGS as SERVING_FLAGS
from cloudk8s.controlplane.diagnostics.settings import ServingSettings


@with_flags(ServingSettings, SERVING_FLAGS, parameter="serving", defaults={"secure_port": 10259})
def scheduler(
    context: typer.Context,
    kubeconfig: Annotated[Path | None, typer.Option(help="The cluster, and who to be in it.")] = None,
    config: Annotated[Path | None, typer.Option(help="A KubeSchedulerConfiguration: profiles, plugins.")] = None,
    leader_elect: Annotated[
        bool | None, typer.Option("--leader-elect/--no-leader-elect", help="Work only while holding the lease.")
    ] = None,
    leader_elect_lease_duration: Annotated[
        str, typer.Option(help="How long others wait after the last renewal before they take over.")
    ] = "",
    leader_elect_renew_deadline: Annotated[str, typer.Option(help="When to give up renewing.")] = "",
    leader_elect_retry_period: Annotated[str, typer.Option(help="Between attempts to acquire or renew.")] = "",
    leader_elect_resource_name: Annotated[str, typer.Option(help="Name of the lease.")] = "",
    leader_elect_resource_namespace: Annotated[str, typer.Option(help="Namespace of the lease.")] = "",
    disable_plugin: DisabledPlugins = None,
    serving: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Assign pods to nodes, in any Kubernetes cluster, until it is stopped. Flags win over the configuration.

    Example: cloudk8s scheduler --kubeconfig admin.conf --config scheduler.yaml
    """
    from cloudk8s.controlplane.loop import run
    from cloudk8s.controlplane.scheduler import SchedulerOptions, run_scheduler

    election: dict[str, Any] = {
        "leader_elect": leader_elect,
        "lease_duration": _duration(leader_elect_lease_duration, "--leader-elect-lease-duration"),
        "renew_deadline": _duration(leader_elect_renew_deadline, "--leader-elect-renew-deadline"),
        "retry_period": _duration(leader_elect_retry_period, "--leader-elect-retry-period"),
        "resource_name": leader_elect_resource_name or None,
        "resource_namespace": leader_elect_resource_namespace or None,
    }
    given = {name: value for name, value in election.items() if value is not None}
    options = SchedulerOptions(
        kubeconfig=kubeconfig,
        config=config,
        leader_election=given,
        disabled_plugins=tuple(disable_plugin or ()),
        serving=ServingSettings(**serving),
        flags=flags_of(context),
    )
    run(run_scheduler(options, report=output.step))


def _duration(text: str, flag: str) -> timedelta | None:
    return duration(text, flag) if text else None
