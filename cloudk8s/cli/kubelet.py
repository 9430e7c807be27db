"""`cloudk8s kubelet`."""

from __future__ import annotations

import socket
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloudk8s.cli.options import ShutdownGracePeriod, ShutdownGracePeriodCriticalPods, duration, names_in
from cloudk8s.cli.programs.process import Serve
from cloudk8s.errors import UserError

if TYPE_CHECKING:
    from cloudk8s.node.settings import NodeSettings


def kubelet(
    kubeconfig: Annotated[Path, typer.Option(help="How to reach the API server, and as whom.")],
    root_dir: Annotated[Path, typer.Option(help="Where pods and the runtime keep their files.")],
    bootstrap_kubeconfig: Annotated[
        Path | None, typer.Option(help="With a token that buys the node a certificate; the kubeconfig is then written.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A KubeletConfiguration; options given here go before what it says.")
    ] = None,
    hostname_override: Annotated[str, typer.Option(help="The node's name; the host's name if empty.")] = "",
    node_ip: Annotated[str, typer.Option(help="The node's address; found by itself if empty.")] = "",
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "0.0.0.0",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.")] = 10250,
    listen_fd: Annotated[int, typer.Option(help="A socket that listens already, in place of address and port.")] = -1,
    client_ca_file: Annotated[Path | None, typer.Option(help="CA of clients with certificates.")] = None,
    cluster_dns: Annotated[str, typer.Option(help="Addresses of the cluster DNS, comma-separated.")] = "",
    cluster_domain: Annotated[str, typer.Option(help="DNS domain of the cluster.")] = "cluster.local",
    pod_cidr: Annotated[str, typer.Option(help="Range of pod addresses to register with.")] = "",
    cluster_cidr: Annotated[str, typer.Option(help="Ranges of the pods of all nodes.")] = "",
    max_pods: Annotated[int, typer.Option(help="How many pods the node takes.")] = 110,
    node_labels: Annotated[str, typer.Option(help="Labels to register with: key=value,…")] = "",
    register_with_taints: Annotated[str, typer.Option(help="Taints to register with: key=value:effect,…")] = "",
    provider_id: Annotated[str, typer.Option(help="The cloud's name for this machine.")] = "",
    cloud_provider: Annotated[str, typer.Option(help="external, where a cloud controller finishes the node.")] = "",
    pod_manifest_path: Annotated[Path | None, typer.Option(help="Directory of static pods.")] = None,
    kubernetes_version: Annotated[str, typer.Option(help="The version to report.")] = "1.37",
    runtime: Annotated[str, typer.Option(help="What runs containers: host, cri, or one of a plugin.")] = "host",
    runtime_endpoint: Annotated[str, typer.Option(help="Socket of a CRI runtime; containerd's if empty.")] = "",
    image_credential_provider_config: Annotated[
        Path | None, typer.Option(help="File that says which programs know logins to which registries.")
    ] = None,
    image_credential_provider_bin_dir: Annotated[Path | None, typer.Option(help="Where these programs are.")] = None,
    shutdown_grace_period: ShutdownGracePeriod = "0s",
    shutdown_grace_period_critical_pods: ShutdownGracePeriodCriticalPods = "0s",
    shutdown_on_sigterm: Annotated[
        bool, typer.Option("--shutdown-on-sigterm", help="End the pods, too, when this process is told to end.")
    ] = False,
    stop_with_input: Annotated[
        bool, typer.Option("--stop-with-input", help="Also stop when standard input ends.")
    ] = False,
) -> None:
    """Run the pods of one node until stopped; containers go on and are taken over by the next start.

    Example: cloudk8s kubelet --kubeconfig node.conf --root-dir /var/lib/cloudk8s/node
    """
    settings = _settings(
        config,
        node_name=(hostname_override or socket.gethostname()).lower(), root_dir=root_dir.absolute(), node_ip=node_ip,
        address=address, port=port, listen_fd=listen_fd,
        client_ca_file=client_ca_file, cluster_domain=cluster_domain, pod_cidr=pod_cidr,
        cluster_dns=names_in(cluster_dns), max_pods=max_pods,
        node_labels=dict(map(_pair, names_in(node_labels))), provider_id=provider_id,
        register_with_taints=tuple(map(_taint, names_in(register_with_taints))),
        cluster_cidr=cluster_cidr, cloud_provider=cloud_provider, static_pod_path=pod_manifest_path,
        image_credential_provider_config=image_credential_provider_config,
        image_credential_provider_bin_dir=image_credential_provider_bin_dir,
        kubernetes_version=f"v{kubernetes_version}.0", shutdown_on_sigterm=shutdown_on_sigterm,
        shutdown_grace_seconds=_seconds(shutdown_grace_period, "--shutdown-grace-period"),
        shutdown_grace_critical_seconds=_seconds(
            shutdown_grace_period_critical_pods, "--shutdown-grace-period-critical-pods"
        ),
    )  # fmt: skip
    from cloudk8s.cli.programs.kubelet import Options

    options = Options(settings, kubeconfig, bootstrap_kubeconfig, runtime, runtime_endpoint, stop_with_input)
    raise Serve("kubelet", options)


def _settings(config: Path | None, **given: Any) -> NodeSettings:
    """What was said on the command line, then what the file says, then what goes without saying."""
    from cloudk8s.cli.checked_settings import checked
    from cloudk8s.node.pressure.marks import marks_of
    from cloudk8s.node.settings import NodeSettings

    if config is not None:
        from cloudk8s.node import configuration_file

        usual = {field.name: field.default for field in fields(NodeSettings)}
        filed = configuration_file.load(config)
        given |= {name: value for name, value in filed.items() if name not in given or given[name] == usual[name]}
    settings = checked(NodeSettings, given)
    marks_of(settings)
    return settings


def _taint(text: str) -> dict[str, str]:
    """`key=value:effect`, or `key:effect`."""
    left, _, effect = text.rpartition(":")
    key, value = _pair(left)
    if not key or effect not in ("NoSchedule", "PreferNoSchedule", "NoExecute"):
        raise UserError(f"--register-with-taints {text}: write key=value:effect, like dedicated=web:NoSchedule")
    return {"key": key, **({"value": value} if value else {}), "effect": effect}


def _seconds(text: str, flag: str) -> int:
    return int(duration(text, flag).total_seconds())


def _pair(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key, value
