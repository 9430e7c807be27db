"""Who belongs to an etcd: asked and changed by its JSON API. Every call blocks.

https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.controlplane.machine.etcd.member import CLIENT_PORT, Member
from cloudk8s.errors import CloudK8sError

_SECONDS: Final = 5.0


class EtcdRefused(CloudK8sError):
    """etcd answers that it will not, or not yet."""


class EtcdSilent(CloudK8sError):
    """No member answers."""


@dataclass(frozen=True, slots=True)
class Status:
    """What one member says of itself."""

    id: str
    leader: str
    """Id of the leader it follows; "0" is none."""
    is_learner: bool = False


@dataclass(frozen=True, slots=True)
class Etcd:
    """One etcd, through those of its members that answer."""

    addresses: tuple[str, ...]
    context: ssl.SSLContext
    port: int = CLIENT_PORT

    def members(self) -> Sequence[Member]:
        """Everyone, learners too. Raises EtcdSilent."""
        return _members(self._any("cluster/member/list", {}))

    def add_learner(self, peer_url: str) -> Sequence[Member]:
        """Everyone, with one more that follows, but does not vote. Raises EtcdRefused while there is another one."""
        return _members(self._any("cluster/member/add", {"peerURLs": [peer_url], "isLearner": True}))

    def promote(self, id: str) -> None:
        """Let a learner vote. Raises EtcdRefused until it knows everything."""
        self._any("cluster/member/promote", {"ID": id})

    def remove(self, id: str) -> None:
        """Let a member go; absent is success."""
        try:
            self._any("cluster/member/remove", {"ID": id})
        except EtcdRefused as error:
            if "not found" not in str(error):
                raise

    def status(self, address: str) -> Status:
        """What the member at this address says. Raises EtcdSilent, EtcdRefused."""
        answer = self._call(address, "maintenance/status", {})
        header = answer.get("header") or {}
        return Status(
            str(header.get("member_id", "")), str(answer.get("leader", "0")), bool(answer.get("isLearner", False))
        )

    def transfer(self, leader: str, successor: str) -> None:
        """Have the leader, at this address, hand its office to another member."""
        self._call(leader, "maintenance/transfer-leadership", {"targetID": successor})

    def _any(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of the first member that answers."""
        said = [f"no member of etcd is known for {path}"]
        for address in self.addresses:
            try:
                return self._call(address, path, body)
            except EtcdSilent as error:
                said.append(str(error))
        raise EtcdSilent(said[-1])

    def _call(self, address: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPSConnection(address, self.port, timeout=_SECONDS, context=self.context)
        try:
            connection.request("POST", f"/v3/{path}", json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise EtcdSilent(f"etcd at {address} does not answer: {error}") from error
        finally:
            connection.close()
        return _answer(address, response.status, content)


def _answer(address: str, status: int, content: bytes) -> dict[str, Any]:
    """Codes 4 and 14 of gRPC say that nothing was decided: a deadline, or no leader."""
    try:
        found: dict[str, Any] = json.loads(content)
    except ValueError as error:
        raise EtcdSilent(f"etcd at {address} answers {status}, and no JSON") from error
    if status < 400:
        return found
    message = str(found.get("error") or found.get("message") or status)
    if found.get("code") in (4, 14):
        raise EtcdSilent(f"etcd at {address}: {message}")
    raise EtcdRefused(f"etcd at {address}: {message}")


def _members(answer: Mapping[str, Any]) -> Sequence[Member]:
    return [Member.of(entry) for entry in answer.get("members", ())]
