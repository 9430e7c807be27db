"""`cloudk8s up`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloudk8s.cli import output
from cloudk8s.cli.options import (
    CsiEndpoints,
    DisabledPlugins,
    FeatureGates,
    Name,
    ShutdownGracePeriod,
    ShutdownGracePeriodCriticalPods,
    duration,
)
from cloudk8s.controlplane import directories
from cloudk8s.errors import CloudK8sError, UserError

if TYPE_CHECKING:
    from cloudk8s.controlplane.simulated import Simulation
    from cloudk8s.plugin.clouds import CloudEntry

_READY_SECONDS = 60.0


def up(
    name: Name = "default",
    data_dir: Annotated[Path | None, typer.Option(help="Where the cluster keeps its files.")] = None,
    port: Annotated[int, typer.Option(help="Port of the API server; 0 picks a free one.")] = 6443,
    bind: Annotated[str, typer.Option(help="Address the API server listens on.")] = "127.0.0.1",
    nodes: Annotated[int, typer.Option(help="Nodes on this host.", min=0)] = 1,
    simulated_nodes: Annotated[int, typer.Option(help="Nodes that only pretend to run pods.", min=0)] = 0,
    simulated_stages: Annotated[
        str, typer.Option(help="What simulated pods and nodes do: a file, slow, or chaos.")
    ] = "",
    simulated_seed: Annotated[int, typer.Option(help="Decides all that is left to chance in the simulation.")] = 0,
    runtime: Annotated[str, typer.Option(help="What runs pods on this host: host, cri, or one of a plugin.")] = "host",
    runtime_endpoint: Annotated[str, typer.Option(help="Socket of a CRI runtime; containerd's if empty.")] = "",
    store: Annotated[str, typer.Option(help="Store URL; SQLite in the data directory if empty.")] = "",
    cloud: Annotated[str, typer.Option(help="Cloud of the nodes, by its provider: aws, simulated, …")] = "",
    offline: Annotated[bool, typer.Option("--offline", help="Use an emulated account of the cloud.")] = False,
    kubeconfig: Annotated[Path | None, typer.Option(help="The kubeconfig to merge the context into.")] = None,
    scheduler_config: Annotated[Path | None, typer.Option(help="A KubeSchedulerConfiguration.")] = None,
    controller_manager_port: Annotated[
        int, typer.Option(help="Port of the controllers' health and metrics, 10257 as a rule; 0 serves none.", min=0)
    ] = 0,
    scheduler_port: Annotated[
        int, typer.Option(help="Port of the scheduler's health and metrics, 10259 as a rule; 0 serves none.", min=0)
    ] = 0,
    service_cluster_ip_range: Annotated[
        str, typer.Option(help="Range of Services; two, comma-separated, for dual stack; a free one if empty.")
    ] = "",
    cluster_cidr: Annotated[str, typer.Option(help="Range of pods; two for dual stack; a free one if empty.")] = "",
    kubernetes_version: Annotated[str, typer.Option(help="Minor version of the API.")] = "1.37",
    feature_gates: FeatureGates = "",
    kubelet_config: Annotated[Path | None, typer.Option(help="A KubeletConfiguration for the nodes.")] = None,
    shutdown_grace_period: ShutdownGracePeriod = "0s",
    shutdown_grace_period_critical_pods: ShutdownGracePeriodCriticalPods = "0s",
    shutdown_on_sigterm: Annotated[
        bool, typer.Option("--shutdown-on-sigterm", help="End the pods, too, when the cluster is stopped.")
    ] = False,
    csi_endpoint: CsiEndpoints = None,
    disable_plugin: DisabledPlugins = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once the cluster is ready.")] = False,
) -> None:
    """Start a cluster on this host: API server, controllers, scheduler and a node. Ctrl-C stops it cleanly.

    Example: cloudk8s up --name dev --detach && kubectl get nodes
    """
    from cloudk8s.api.features import parse_feature_gates
    from cloudk8s.controlplane.cluster import run_cluster
    from cloudk8s.controlplane.cluster_options import ClusterOptions
    from cloudk8s.controlplane.host.agent_options import AgentOptions
    from cloudk8s.controlplane.loop import run
    from cloudk8s.controlplane.simulated import Simulation, load_scenario
    from cloudk8s.settings import ClusterSettings

    directory = (data_dir or directories.data_dir(name)).absolute()
    if (state := directories.read_state(directory)) is not None:
        raise UserError(f'cluster "{name}" already runs at {state.url}; stop it with: cloudk8s down --name {name}')
    if runtime == "cri" and nodes > 1:
        raise UserError("a CRI runtime serves one node: use --nodes 1, and join other hosts with `cloudk8s kubelet`")
    simulation = Simulation(simulated_nodes, _absolute(simulated_stages), simulated_seed)
    if simulated_stages:
        load_scenario(simulation.stages)
    clouds = (_cloud(cloud, simulation, offline=offline, disabled_plugins=disable_plugin or ()),) if cloud else ()
    if feature_gates:
        parse_feature_gates(feature_gates, kubernetes_version)
    if detach:
        _detach(name, directory)
        return
    asked = _given(service_cluster_ip_range=service_cluster_ip_range, cluster_cidr=cluster_cidr)
    settings = ClusterSettings(
        name=name, data_dir=directory, bind=bind, port=port, store=store, cloud=cloud,
        kubernetes_version=kubernetes_version, feature_gates=feature_gates,
        disabled_plugins=tuple(disable_plugin or ()), csi_endpoints=tuple(csi_endpoint or ()),
        asked_ranges=tuple(asked), **asked,
    )  # fmt: skip
    agents = AgentOptions(
        runtime, runtime_endpoint, duration(shutdown_grace_period, "--shutdown-grace-period"),
        duration(shutdown_grace_period_critical_pods, "--shutdown-grace-period-critical-pods"), shutdown_on_sigterm,
        kubelet_config and kubelet_config.absolute(),
    )  # fmt: skip
    options = ClusterOptions(
        nodes=nodes, simulation=simulation, agents=agents, clouds=clouds, offline=offline,
        kubeconfig=kubeconfig, scheduler_config=scheduler_config, controller_manager_port=controller_manager_port,
        scheduler_port=scheduler_port,
    )  # fmt: skip
    run(run_cluster(settings, options, report=output.step))


def _absolute(stages: str) -> str:
    """A file's whole path; names of bundled files stay as they are."""
    path = Path(stages)
    return str(path.absolute()) if stages and path.exists() else stages


def _given(**values: str) -> dict[str, Any]:
    """Settings that are not left to be chosen."""
    return {name: value for name, value in values.items() if value}


def _cloud(provider: str, simulation: Simulation, *, offline: bool, disabled_plugins: Sequence[str]) -> CloudEntry:
    """The cluster's cloud with the settings that follow from the command; those of the SDK complete them."""
    from cloudk8s.controlplane.simulated import simulated_cloud_settings
    from cloudk8s.plugin.clouds import CloudEntry
    from cloudk8s.plugin.manager import Plugins
    from cloudk8s.provisioning.offline.accounts import account_settings

    model = Plugins.load(disabled=disabled_plugins).settings_model(provider)
    settings: dict[str, Any] = {}
    if simulation.count and "any_node" in model.model_fields:
        settings["any_node"] = True
    if provider == "simulated" and simulation.stages:
        settings |= simulated_cloud_settings(simulation)
    if offline:
        settings = account_settings(provider, model, settings, offline=True)
    return CloudEntry(name=provider, provider=provider, settings=settings)


def _detach(name: str, directory: Path) -> None:
    """Run the same command in the background and wait until it says that it is ready."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = directory / "cluster.log"
    arguments = [part for part in sys.argv[1:] if part not in ("--detach", "-d")]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "cloudk8s", *arguments],
            stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True,
            env=os.environ | {"NO_COLOR": "1"},
        )  # fmt: skip
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        state = directories.read_state(directory)
        if state is not None and state.pid == process.pid:
            output.step(f'cluster "{name}" is ready at {state.url}; its log is {log}')
            return
        if process.poll() is not None:
            raise CloudK8sError(f"the cluster did not start: {_last_line(log)} (see {log})")
        time.sleep(0.02)
    process.terminate()
    raise CloudK8sError(f"the cluster was not ready within {_READY_SECONDS:.0f} s (see {log})")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else "it printed nothing"
