"""The description of a pod's sandbox for the runtime. Pure."""

from __future__ import annotations

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, namespace_of, spec_of, uid_of
from cloudk8s.node.containers import pod_limits
from cloudk8s.node.pods import naming
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.runtimes.interface import (
    DNSConfig,
    NamespaceMode,
    Namespaces,
    PortMapping,
    SandboxConfig,
    UserRange,
)

MAX_HOSTNAME = 63


def sandbox_config(
    pod: Object, attempt: int, *, dns: DNSConfig, log_directory: str, hostname: str, pids_limit: int = 0,
    users: UserRange | None = None,
) -> SandboxConfig:  # fmt: skip
    """What the runtime needs to make the sandbox."""
    security = spec_of(pod).get("securityContext") or {}
    return SandboxConfig(
        name=name_of(pod),
        namespace=namespace_of(pod),
        uid=uid_of(pod),
        attempt=attempt,
        hostname=hostname,
        log_directory=log_directory,
        dns=dns,
        port_mappings=port_mappings(pod),
        labels=naming.sandbox_labels(pod),
        annotations=naming.sandbox_annotations(pod),
        namespaces=namespaces(pod),
        sysctls={each["name"]: each["value"] for each in security.get("sysctls") or ()},
        cgroup_parent=pod_limits.cgroup_parent(pod),
        resources=pod_limits.pod_resources(pod, pids_limit=pids_limit),
        privileged=any(
            (container.get("securityContext") or {}).get("privileged") for container in pods.all_containers(pod)
        ),
        users=users,
    )


def namespaces(pod: Object, *, target_id: str = "") -> Namespaces:
    """Whose namespaces the pod's containers live in; `target_id` is that of an ephemeral container's target."""
    spec = spec_of(pod)
    pid: NamespaceMode = "node" if spec.get("hostPID") else "pod" if spec.get("shareProcessNamespace") else "container"
    if target_id and pid == "container":
        pid = "target"
    return Namespaces(
        network="node" if spec.get("hostNetwork") else "pod",
        pid=pid,
        ipc="node" if spec.get("hostIPC") else "pod",
        target_id=target_id,
    )


def port_mappings(pod: Object) -> tuple[PortMapping, ...]:
    """The host ports that lead into the pod; on the node's network there is nothing to lead."""
    if pods.is_host_network(pod):
        return ()
    return tuple(
        PortMapping(
            int(port["containerPort"]), int(port["hostPort"]), port.get("protocol") or "TCP", port.get("hostIP") or ""
        )
        for container in (*pods.sidecars(pod), *pods.containers(pod))
        for port in container.get("ports") or ()
        if port.get("hostPort")
    )


def hostname_and_domain(pod: Object, cluster_domain: str) -> tuple[str, str]:
    """The pod's host name and the domain that its subdomain gives it."""
    spec = spec_of(pod)
    name = spec.get("hostname") or name_of(pod)
    name = name[:MAX_HOSTNAME].rstrip("-.")
    if spec.get("hostnameOverride"):
        return str(spec["hostnameOverride"]), ""
    subdomain = spec.get("subdomain")
    domain = f"{subdomain}.{namespace_of(pod)}.svc.{cluster_domain}" if subdomain else ""
    return name, domain


def sandbox_hostname(pod: Object, cluster_domain: str, node_hostname: str) -> str:
    """What `hostname` prints in the pod."""
    if pods.is_host_network(pod):
        return node_hostname
    name, domain = hostname_and_domain(pod, cluster_domain)
    return f"{name}.{domain}" if domain and spec_of(pod).get("setHostnameAsFQDN") else name
