"""An API server in memory, spoken to as its administrator."""

from __future__ import annotations

from typing import Any

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.controlplane.api_server import RunningApiServer
from cloudk8s.machinery.codec import decode

ADMIN = UserInfo("root", groups=("system:masters", "system:authenticated"))


class Cluster:
    def __init__(self, server: RunningApiServer) -> None:
        self._server = server
        self.warnings: list[str] = []
        """Those of the last call."""

    async def call(self, method: str, path: str, body: Any = None, user: UserInfo = ADMIN) -> Any:
        headers = {"content-type": "application/merge-patch+json"} if method == "PATCH" else None
        answer = await self._server.assembly.local(user, agent="test").call(method, path, body=body, headers=headers)
        self.warnings = [text for name, text in answer.headers if name.lower() == "warning"]
        return decode(answer.body if isinstance(answer.body, bytes) else b"".join(answer.body))

    async def namespace(self, name: str, **labels: str) -> None:
        """A namespace with the service account that its pods run as; labels by their last part."""
        prefixed = {f"pod-security.kubernetes.io/{key.replace('_', '-')}": value for key, value in labels.items()}
        await self.call("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": prefixed}})
        await self.call("POST", f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}})

    async def pod(self, namespace: str, name: str, spec: dict[str, Any] | None = None, **container: Any) -> Any:
        one = {"name": "c", "image": "i", **container}
        body = {"metadata": {"name": name}, "spec": {"containers": [one], **(spec or {})}}
        return await self.call("POST", f"/api/v1/namespaces/{namespace}/pods", body)
