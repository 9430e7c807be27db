"""Ingresses and what they refer to."""

from __future__ import annotations

from typing import Any

from cloudk8s_ingress.routes import Certificate


def path(text: str, service: str, kind: str = "Prefix", port: Any = 80) -> dict[str, Any]:
    wanted = {"name": port} if isinstance(port, str) else {"number": port}
    return {"path": text, "pathType": kind, "backend": {"service": {"name": service, "port": wanted}}}


def ingress(name: str, *rules: Any, created: str = "2026-01-01T00:00:00Z", **spec: Any) -> dict[str, Any]:
    """`rules` are pairs of a host and its paths; `annotations` go to the metadata."""
    metadata = {"name": name, "namespace": "d", "creationTimestamp": created}
    metadata["annotations"] = spec.pop("annotations", {})
    made = [{"host": host, "http": {"paths": list(paths)}} if host else {"http": {"paths": list(paths)}}
            for host, *paths in rules]  # fmt: skip
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata,
        "spec": {"ingressClassName": "cloudk8s", "rules": made, **spec},
    }  # fmt: skip


class World:
    """Every Service has port 80, named `web`, and an endpoint that carries its name, but for the service `none`."""

    def port(self, namespace: str, service: str, wanted: Any) -> Any:
        is_there = wanted.get("name") == "web" or wanted.get("number") == 80
        return {"name": "web", "port": 80} if is_there and service != "missing" else None

    def endpoints(self, namespace: str, service: str, port: Any) -> tuple[str, ...]:
        return () if service == "none" else (f"{service}:8080",)

    def certificate(self, namespace: str, secret: str) -> Certificate | None:
        return Certificate(f"{namespace}.{secret}", b"", b"") if secret != "missing" else None
