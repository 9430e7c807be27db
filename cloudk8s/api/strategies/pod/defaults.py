"""Defaults of pods and pod templates: `SetDefaults_*` of core/v1 that apply inside a pod spec."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.pod.image import default_pull_policy
from cloudk8s.api.strategies.pod.resource_defaults import default_pod_resources, round_up
from cloudk8s.api.strategies.pod.volume_defaults import default_volume

_INIT_CONTAINER_ANNOTATIONS = frozenset(
    f"pod.{stage}.kubernetes.io/init-container{what}" for stage in ("alpha", "beta") for what in ("s", "-statuses")
)
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def default_pod(pod: Object) -> None:
    """A pod itself: what its template would get, and what only pods get (requests from limits, host ports)."""
    spec = pod.get("spec")
    if spec is None:
        spec = pod["spec"] = {}
    drop_init_container_annotations(pod.get("metadata"))
    default_pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    host_network = spec.get("hostNetwork")
    for field in ("containers", "initContainers"):
        for container in spec.get(field) or ():
            if limits := container["resources"].get("limits"):
                container["resources"]["requests"] = limits | (container["resources"].get("requests") or {})
            if host_network:
                for port in container.get("ports") or ():
                    port["hostPort"] = port.get("hostPort") or port.get("containerPort", 0)
    if resources := spec.get("resources"):
        default_pod_resources(resources, spec)
    if status := pod.get("status"):
        _mirror_addresses(status)


def default_pod_template(template: Object) -> None:
    """A pod template inside a workload."""
    drop_init_container_annotations(template.setdefault("metadata", {}))
    default_pod_spec(template.setdefault("spec", {}))


def default_pod_spec(spec: dict[str, Any]) -> None:
    default = spec.setdefault
    if not spec.get("dnsPolicy"):
        spec["dnsPolicy"] = "ClusterFirst"
    if not spec.get("restartPolicy"):
        spec["restartPolicy"] = "Always"
    default("terminationGracePeriodSeconds", 30)
    default("securityContext", {})
    if not spec.get("schedulerName"):
        spec["schedulerName"] = "default-scheduler"
    mirror_service_account(spec)
    round_up(spec.get("overhead"))
    for container in spec.get("containers") or ():
        default_container(container)
    for container in spec.get("initContainers") or ():
        default_container(container)
    for container in spec.get("ephemeralContainers") or ():
        default_container(container)
    for volume in spec.get("volumes") or ():
        default_volume(volume)


def mirror_service_account(spec: dict[str, Any]) -> None:
    """The deprecated `serviceAccount` always says what `serviceAccountName` says."""
    if account := spec.get("serviceAccountName") or spec.get("serviceAccount"):
        spec["serviceAccountName"] = spec["serviceAccount"] = account


def default_container(container: dict[str, Any]) -> None:
    if not container.get("terminationMessagePath"):
        container["terminationMessagePath"] = "/dev/termination-log"
    if not container.get("terminationMessagePolicy"):
        container["terminationMessagePolicy"] = "File"
    if not container.get("imagePullPolicy"):
        container["imagePullPolicy"] = default_pull_policy(container.get("image") or "")
    if resources := container.setdefault("resources", {}):
        round_up(resources.get("limits"))
        round_up(resources.get("requests"))
    for port in container.get("ports") or ():
        if not port.get("protocol"):
            port["protocol"] = "TCP"
    for variable in container.get("env") or ():
        if source := variable.get("valueFrom"):
            _default_env_source(source)
    for field in _PROBES:
        if (probe := container.get(field)) is not None:
            _default_probe(probe)
    if lifecycle := container.get("lifecycle"):
        for handler in lifecycle.values():
            if isinstance(handler, dict) and (request := handler.get("httpGet")) is not None:
                _default_http_get(request)


def drop_init_container_annotations(meta: dict[str, Any] | None) -> None:
    """Annotations that carried init containers long ago are never stored."""
    annotations = (meta or {}).get("annotations")
    if annotations and not _INIT_CONTAINER_ANNOTATIONS.isdisjoint(annotations):
        for key in _INIT_CONTAINER_ANNOTATIONS:
            annotations.pop(key, None)


def _mirror_addresses(status: dict[str, Any]) -> None:
    """`podIP` is the first of `podIPs`, and right where they differ."""
    single, many = status.get("podIP"), status.get("podIPs")
    if many and not single:
        status["podIP"] = many[0].get("ip", "")
    elif single and (not many or many[0].get("ip") != single):
        status["podIPs"] = [{"ip": single}]


def _default_probe(probe: dict[str, Any]) -> None:
    probe["timeoutSeconds"] = probe.get("timeoutSeconds") or 1
    probe["periodSeconds"] = probe.get("periodSeconds") or 10
    probe["successThreshold"] = probe.get("successThreshold") or 1
    probe["failureThreshold"] = probe.get("failureThreshold") or 3
    if (request := probe.get("httpGet")) is not None:
        _default_http_get(request)
    if (grpc := probe.get("grpc")) is not None:
        grpc.setdefault("service", "")


def _default_http_get(request: dict[str, Any]) -> None:
    if not request.get("path"):
        request["path"] = "/"
    if not request.get("scheme"):
        request["scheme"] = "HTTP"


def _default_env_source(source: dict[str, Any]) -> None:
    if (field := source.get("fieldRef")) is not None and not field.get("apiVersion"):
        field["apiVersion"] = "v1"
    if (resource := source.get("resourceFieldRef")) is not None:
        resource.setdefault("divisor", "0")
    if (file := source.get("fileKeyRef")) is not None:
        file.setdefault("optional", False)
