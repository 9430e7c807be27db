"""`cloudk8s scheduler`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloudk8s.cli import output
from cloudk8s.cli.component_gates import ComponentGates, check_feature_gates
from cloudk8s.cli.election_flags import FLAGS as ELECTION_FLAGS
from cloudk8s.cli.election_flags import ElectionSettings
from cloudk8s.cli.idle_flags import with_idle_flags
from cloudk8s.cli.log_flags import LoggingFormat, Verbosity, set_up_logs
from cloudk8s.cli.options import ComponentVersion, DisabledPlugins, Master, duration
from cloudk8s.cli.setting_flags import flags_of, given_of, with_flags
from cloudk8s.cli.upstream_flags import OF_COMPONENTS
from cloudk8s.controlplane.diagnostics.settings import FLAGS as SERVING_FLAGS
from cloudk8s.controlplane.diagnostics.settings import ServingSettings

if TYPE_CHECKING:
    from cloudk8s.controlplane.scheduler import SchedulerOptions


@with_idle_flags(OF_COMPONENTS)
@with_flags(ServingSettings, SERVING_FLAGS, parameter="serving", defaults={"secure_port": 10259})
@with_flags(ElectionSettings, ELECTION_FLAGS, parameter="electing", defaults={"resource_name": "kube-scheduler"})
def scheduler(
    context: typer.Context,
    kubeconfig: Annotated[Path | None, typer.Option(help="The cluster, and who to be in it.")] = None,
    master: Master = "",
    config: Annotated[Path | None, typer.Option(help="A KubeSchedulerConfiguration: profiles, plugins.")] = None,
    write_config_to: Annotated[
        Path | None, typer.Option(help="Write the configuration that is in force to this file, and stop.")
    ] = None,
    kube_api_qps: Annotated[
        float | None, typer.Option(min=0, help="Requests a second to the API server; 0 leaves it to the server.")
    ] = None,
    kube_api_burst: Annotated[int | None, typer.Option(min=1, help="How many of these may come at once.")] = None,
    pod_max_in_unschedulable_pods_duration: Annotated[
        str, typer.Option(help="After how long a pod is tried again that nothing has given a reason to.")
    ] = "5m",
    feature_gates: ComponentGates = None,
    v: Verbosity = 0,
    logging_format: LoggingFormat = "text",
    version: ComponentVersion = False,
    disable_plugin: DisabledPlugins = None,
    electing: Mapping[str, Any] = MappingProxyType({}),
    serving: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Assign pods to nodes, in any Kubernetes cluster, until it is stopped. Flags win over the configuration.

    Example: cloudk8s scheduler --kubeconfig admin.conf --config scheduler.yaml
    """
    from cloudk8s.controlplane.loop import run
    from cloudk8s.controlplane.scheduler import SchedulerOptions, run_scheduler

    set_up_logs(v, logging_format)
    check_feature_gates(feature_gates or ())
    asking = {"qps": kube_api_qps, "burst": kube_api_burst}
    options = SchedulerOptions(
        kubeconfig=kubeconfig,
        master=master,
        config=config,
        leader_election=given_of(context, electing),
        client_connection={name: value for name, value in asking.items() if value is not None},
        pod_max_in_unschedulable_pods_duration=duration(
            pod_max_in_unschedulable_pods_duration, "--pod-max-in-unschedulable-pods-duration"
        ),
        disabled_plugins=tuple(disable_plugin or ()),
        serving=ServingSettings(**serving),
        flags=flags_of(context),
    )
    if write_config_to is not None:
        _write(options, write_config_to)
        return
    run(run_scheduler(options, report=output.step))


def _write(options: SchedulerOptions, file: Path) -> None:
    from cloudk8s.controlplane.scheduler import configuration_of
    from cloudk8s.machinery import yaml_codec

    found = configuration_of(options).model_dump(mode="json", by_alias=True, exclude_none=True)
    file.write_bytes(yaml_codec.encode(found))
    output.step(f"wrote the configuration to {file}")
