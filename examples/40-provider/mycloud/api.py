"""A stand-in for your SDK: servers and load balancers in memory. Replace it by the real thing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Api:
    """One account. Each method is one call."""

    region: str = "here"
    servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    balancers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def list_servers(self) -> list[dict[str, Any]]:
        return [{"id": id, **server} for id, server in self.servers.items()]

    def list_balancers(self) -> list[dict[str, Any]]:
        return list(self.balancers.values())

    def put_balancer(self, key: str, document: dict[str, Any]) -> None:
        """Make or replace one, atomically."""
        self.balancers[key] = document

    def delete_balancer(self, key: str) -> None:
        self.balancers.pop(key, None)
