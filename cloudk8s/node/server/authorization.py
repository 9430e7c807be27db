"""Who may ask the node for what: `nodes/<subresource>`, by the path that is asked for."""

from __future__ import annotations

from typing import Final

from cloudk8s.apiserver.http.interface import Request
from cloudk8s.client.delegation import ANONYMOUS, CacheTimes, Delegation, OfResource
from cloudk8s.client.interface import Client
from cloudk8s.machinery.clock import Clock

TIMES: Final = CacheTimes(token=120.0, allowed=300.0, denied=30.0)
"""A kubelet's."""
_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_SUBRESOURCES = (
    ("/stats", ("stats",)), ("/metrics", ("metrics",)), ("/logs", ("log",)), ("/checkpoint", ("checkpoint",)),
    ("/healthz", ("healthz", "proxy")), ("/configz", ("configz", "proxy")), ("/pods", ("pods", "proxy")),
    ("/runningpods", ("pods", "proxy")),
)  # fmt: skip


class Denied(Exception):
    """The answer is `status` with this text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class DelegatedAuthorization:
    """Asks the API server; one that does not answer means no."""

    def __init__(self, client: Client, node_name: str, *, clock: Clock) -> None:
        self._delegation, self._node_name = Delegation(client, clock=clock, times=TIMES), node_name

    async def check(self, request: Request) -> None:
        """Return if the request may go on; raises Denied."""
        user = await self._delegation.user_of(request)
        if user is None or user == ANONYMOUS:
            raise Denied(401, "Unauthorized")
        verb = _VERBS.get(request.method, "get")
        for subresource in subresources(request.path):
            if await self._delegation.allows(user, OfResource(verb, "nodes", subresource, self._node_name)):
                return
        asked = subresources(request.path)[0]
        what = f"verb={verb}, resource=nodes, subresource(s)=[{asked}]"
        raise Denied(403, f"Forbidden (user={user.name}, {what})")


def subresources(path: str) -> tuple[str, ...]:
    """The node subresources that allow a path, the finest first; `proxy` where nothing finer is known."""
    for prefix, found in _SUBRESOURCES:
        if path == prefix or path.startswith(f"{prefix}/"):
            return found
    return ("proxy",)
