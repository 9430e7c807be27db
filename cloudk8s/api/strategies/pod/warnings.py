"""Warnings about pods and pod templates: deprecated, ineffective or surprising, yet not refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.strategies.address_warnings import address_warnings
from cloudk8s.api.strategies.claim_warnings import claim_warnings
from cloudk8s.api.validation.pod.affinity import PREFERRED, REQUIRED
from cloudk8s.api.validation.pod.annotations import APP_ARMOR, SECCOMP_CONTAINER, SECCOMP_POD
from cloudk8s.api.validation.pod.windows import containers_with_paths
from cloudk8s.machinery.quantity import parse

NODE_LABELS: Final = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}
_ANNOTATIONS: Final = {
    "scheduler.alpha.kubernetes.io/critical-pod": (
        'non-functional in v1.16+; use the "priorityClassName" field instead'
    ),
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
VOLUMES: Final = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_NULL_SELECTOR: Final = "a null labelSelector results in matching no pod"
_SECCOMP: Final = 'non-functional in v1.27+; use the "seccompProfile" field instead'
_APP_ARMOR: Final = 'deprecated since v1.30; use the "appArmorProfile" field instead'


def pod_warnings(meta: Mapping[str, Any], spec: Mapping[str, Any], path: str = "") -> list[str]:
    """In upstream's order; `path` leads to a template and ends with a dot, as in `spec.template.`."""
    warnings: list[str] = []
    at = f"{path}spec"
    for key in spec.get("nodeSelector") or ():
        if text := NODE_LABELS.get(key):
            warnings.append(f"{at}.nodeSelector[{key}]: {text}")
    if affinity := spec.get("affinity"):
        warnings.extend(_node_affinity(f"{at}.affinity.nodeAffinity", affinity.get("nodeAffinity") or {}))
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        warnings.extend(_spread(f"{at}.topologySpreadConstraints[{index}]", constraint))
    warnings.extend(annotation_warnings(meta, spec, path))
    if volumes := spec.get("volumes"):
        warnings.extend(_volumes(f"{at}.volumes", volumes))
    if aliases := spec.get("hostAliases"):
        warnings.extend(_aliases(f"{at}.hostAliases", aliases))
    if secrets := spec.get("imagePullSecrets"):
        warnings.extend(_secrets(f"{at}.imagePullSecrets", secrets))
    for field in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(field) or ()):
            _container(warnings, at, field, index, container)
    warnings.extend(_overhead(at, spec))
    if (grace := spec.get("terminationGracePeriodSeconds")) is not None and grace < 0:
        text = "must be >= 0; negative values are invalid and will be treated as 1"
        warnings.append(f"{at}.terminationGracePeriodSeconds: {text}")
    if affinity:
        warnings.extend(_pod_affinity(f"{at}.affinity", affinity))
    return warnings


def annotation_warnings(meta: Mapping[str, Any], spec: Mapping[str, Any], path: str = "") -> list[str]:
    """Those of them that are about annotations."""
    annotations = meta.get("annotations")
    return list(_annotations(f"{path}metadata.annotations", annotations, spec)) if annotations else []


def node_selector_warnings(path: str, terms: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Deprecated labels in node selector terms, also of persistent volumes."""
    for index, term in enumerate(terms):
        yield from _term(f"{path}[{index}]", term)


def _term(path: str, term: Mapping[str, Any]) -> Iterator[str]:
    for index, requirement in enumerate(term.get("matchExpressions") or ()):
        key = requirement.get("key") or ""
        if text := NODE_LABELS.get(key):
            yield f"{path}.matchExpressions[{index}].key: {key} is {text}"


def _node_affinity(path: str, affinity: Mapping[str, Any]) -> Iterator[str]:
    terms = (affinity.get(REQUIRED) or {}).get("nodeSelectorTerms") or ()
    yield from node_selector_warnings(f"{path}.{REQUIRED}.nodeSelectorTerms", terms)
    for index, preferred in enumerate(affinity.get(PREFERRED) or ()):
        yield from _term(f"{path}.{PREFERRED}[{index}].preference", preferred.get("preference") or {})


def _spread(path: str, constraint: Mapping[str, Any]) -> Iterator[str]:
    key = constraint.get("topologyKey") or ""
    if text := NODE_LABELS.get(key):
        yield f"{path}.topologyKey: {key} is {text}"
    if constraint.get("labelSelector") is None:
        yield f"{path}.labelSelector: {_NULL_SELECTOR}"


def _annotations(path: str, annotations: Mapping[str, str], spec: Mapping[str, Any]) -> Iterator[str]:
    for key, text in _ANNOTATIONS.items():
        if key in annotations:
            yield f"{path}[{key}]: {text}"
    for key in annotations:
        if key.startswith(APP_ARMOR):
            yield f"{path}[{key}]: {_APP_ARMOR}"
    if SECCOMP_POD in annotations and not (spec.get("securityContext") or {}).get("seccompProfile"):
        yield f"{path}[{SECCOMP_POD}]: {_SECCOMP}"
    if any(key.startswith(SECCOMP_CONTAINER) for key in annotations):
        for container, _ in containers_with_paths(spec, ""):
            key = SECCOMP_CONTAINER + (container.get("name") or "")
            if key in annotations and not (container.get("securityContext") or {}).get("seccompProfile"):
                yield f"{path}[{key}]: {_SECCOMP}"


def _volumes(path: str, volumes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for index, volume in enumerate(volumes):
        if not VOLUMES.keys().isdisjoint(volume):
            for kind, text in VOLUMES.items():
                if volume.get(kind) is not None:
                    yield f"{path}[{index}].{kind}: {text}"
        if claim := (volume.get("ephemeral") or {}).get("volumeClaimTemplate"):
            yield from claim_warnings(f"{path}[{index}].ephemeral.volumeClaimTemplate.spec", claim.get("spec") or {})


def _aliases(path: str, aliases: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    taken: set[str] = set()
    for index, alias in enumerate(aliases):
        ip = alias.get("ip") or ""
        if ip in taken:
            yield f'{path}[{index}].ip: duplicate ip "{ip}"'
        taken.add(ip)
        yield from address_warnings(f"{path}[{index}].ip", ip)


def _secrets(path: str, secrets: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    taken: set[str] = set()
    for index, secret in enumerate(secrets):
        name = secret.get("name") or ""
        if not name:
            yield f'{path}[{index}].name: invalid empty name ""'
        elif name in taken:
            yield f'{path}[{index}].name: duplicate name "{name}"'
        taken.add(name)


def _container(warnings: list[str], at: str, field: str, index: int, container: Mapping[str, Any]) -> None:
    if resources := container.get("resources"):
        _fractions(warnings, f"{at}.{field}[{index}].resources", resources)
    env = container.get("env") or ()
    if len(env) > 1:
        taken: set[str] = set()
        for position, variable in enumerate(env):
            name = variable.get("name") or ""
            if name in taken:
                text = f'hides previous definition of "{name}", which may be dropped when using apply'
                warnings.append(f"{at}.{field}[{index}].env[{position}]: {text}")
            taken.add(name)
    ports = container.get("ports") or ()
    if len(ports) > 1:
        _repeated_ports(warnings, f"{at}.{field}[{index}].ports", ports)


def _fractions(warnings: list[str], path: str, resources: Mapping[str, Any]) -> None:
    for name in ("memory", "ephemeral-storage"):
        for side in ("limits", "requests"):
            amount = (resources.get(side) or {}).get(name)
            if amount is not None and (quantity := parse(amount)).nanos % 10**9:
                text = f'fractional byte value "{quantity}" is invalid, must be an integer'
                warnings.append(f"{path}.{side}[{name}]: {text}")


def _repeated_ports(warnings: list[str], path: str, ports: Sequence[Mapping[str, Any]]) -> None:
    taken: dict[tuple[Any, ...], int] = {}
    for index, port in enumerate(ports):
        key = tuple(port.get(field) for field in ("containerPort", "protocol", "hostPort", "hostIP"))
        if key in taken:
            warnings.append(f"{path}[{index}]: duplicate port definition with {path}[{taken[key]}]")
        else:
            taken[key] = index


def _overhead(path: str, spec: Mapping[str, Any]) -> Iterator[str]:
    for name in ("memory", "ephemeral-storage"):
        amount = (spec.get("overhead") or {}).get(name)
        if amount is not None and (quantity := parse(amount)).nanos % 10**9:
            yield f'{path}.overhead[{name}]: fractional byte value "{quantity}" is invalid, must be an integer'


def _pod_affinity(path: str, affinity: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(kind) or {}
        for index, term in enumerate(terms.get(REQUIRED) or ()):
            if term.get("labelSelector") is None:
                yield f"{path}.{kind}.{REQUIRED}[{index}].labelSelector: {_NULL_SELECTOR}"
        for index, weighted in enumerate(terms.get(PREFERRED) or ()):
            if (weighted.get("podAffinityTerm") or {}).get("labelSelector") is None:
                yield f"{path}.{kind}.{PREFERRED}[{index}].podAffinityTerm.labelSelector: {_NULL_SELECTOR}"
