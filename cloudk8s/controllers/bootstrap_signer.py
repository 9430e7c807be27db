"""Sign the ConfigMap `cluster-info` with every bootstrap token, so that who has a token can trust it.

https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/#configmap-signing
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import CONFIG_MAPS, SECRETS
from cloudk8s.controllers.bootstrap_tokens import NAMESPACE, TYPE, BootstrapToken, expiry, signing_token
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.machinery import codec

NAME: Final = "cluster-info"
IN_NAMESPACE: Final = "kube-public"
KUBECONFIG: Final = "kubeconfig"
PREFIX: Final = "jws-kubeconfig-"
_ONE: Final = "cluster-info"


class BootstrapSigner:
    """Brings all signatures in order whenever the ConfigMap or a token changes, or a token expires."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._queue: WorkQueue[str] = WorkQueue(
            "bootstrap_signer_queue", clock=context.clock, instruments=context.instruments
        )
        self._tokens = context.informers.of(SECRETS, namespace=NAMESPACE, field_selector=f"type={TYPE}")
        self._maps = context.informers.of(CONFIG_MAPS, namespace=IN_NAMESPACE, field_selector=f"metadata.name={NAME}")
        for informer in (self._tokens, self._maps):
            informer.add_handler(self._changed)

    async def run(self) -> None:
        await run_workers(self._queue, 1, self._reconcile)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(_ONE)

    async def _reconcile(self, _: str) -> timedelta | None:
        info = self._maps.get(NAME, IN_NAMESPACE)
        content = ((info or {}).get("data") or {}).get(KUBECONFIG)
        if info is None or not content:
            return None
        now = self._context.clock.now()
        tokens = [signing_token(secret, now) for secret in self._tokens.list()]
        signatures = {f"{PREFIX}{token.id}": detached_signature(content, token) for token in tokens if token}
        data = {name: text for name, text in info["data"].items() if not name.startswith(PREFIX)} | signatures
        if data != info["data"]:
            await self._context.client.update(CONFIG_MAPS, {**info, "data": data})
        ends = [moment - now for secret in self._tokens.list() if (moment := expiry(secret)) and moment > now]
        return min(ends, default=None)


def detached_signature(content: str, token: BootstrapToken) -> str:
    """A JSON Web Signature without its payload."""
    header = _encoded(codec.encode({"alg": "HS256", "kid": token.id}))
    signed = f"{header}.{_encoded(content.encode())}".encode()
    return f"{header}..{_encoded(hmac.new(token.secret.encode(), signed, hashlib.sha256).digest())}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
