"""An etcd in memory that answers as the real one's JSON gateway does, as far as membership goes."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from cloudk8s.controlplane.machine.etcd.membership import Etcd, EtcdRefused, EtcdSilent


class FakeEtcd(Etcd):
    """Members at addresses; `silent` ones are powered off. Everything asked for is in `calls`."""

    __slots__ = ("calls", "caught_up", "leader", "raw", "silent")
    calls: list[tuple[str, ...]]
    caught_up: bool
    leader: str
    raw: list[dict[str, Any]]
    silent: set[str]

    def __init__(self, *addresses: str) -> None:
        super().__init__(addresses, ssl.create_default_context())
        set_ = object.__setattr__
        set_(self, "raw", [])
        set_(self, "silent", set())
        set_(self, "calls", [])
        set_(self, "caught_up", True)
        for number, address in enumerate(addresses):
            self.raw.append(
                {
                    "ID": str(100 + number), "name": f"cp-{number}", "peerURLs": [f"https://{address}:2380"],
                    "clientURLs": [f"https://{address}:2379"],
                }
            )  # fmt: skip
        set_(self, "leader", "100")

    def _call(self, address: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if address in self.silent or not any(address in url for m in self.raw for url in m["peerURLs"]):
            raise EtcdSilent(f"etcd at {address} does not answer")
        verb = path.rpartition("/")[2]
        if verb not in ("list", "status"):
            self.calls.append((verb, *(str(value) for value in body.values() if not isinstance(value, bool))))
        answer: dict[str, Any] = getattr(self, f"_{verb.replace('-', '_')}")(address, body)
        return answer

    def _list(self, address: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"members": [dict(member) for member in self.raw]}

    def _add(self, address: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if any(member.get("isLearner") for member in self.raw):
            raise EtcdRefused("etcdserver: too many learner members in cluster")
        id = str(max(int(member["ID"]) for member in self.raw) + 100)
        self.raw.append({"ID": id, "peerURLs": list(body["peerURLs"]), "isLearner": True})
        return self._list(address, body)

    def _promote(self, address: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if not self.caught_up:
            raise EtcdRefused("etcdserver: can only promote a learner member which is in sync with leader")
        self._of(body["ID"]).pop("isLearner", None)
        return self._list(address, body)

    def _remove(self, address: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.raw.remove(self._of(body["ID"]))
        return self._list(address, body)

    def _status(self, address: str, body: Mapping[str, Any]) -> dict[str, Any]:
        member = next(m for m in self.raw if any(address in url for url in m["peerURLs"]))
        alive = [m for m in self.raw if not any(silent in m["peerURLs"][0] for silent in self.silent)]
        has_leader = len(alive) > len(self.raw) // 2
        found = {"header": {"member_id": member["ID"]}, "isLearner": member.get("isLearner", False)}
        return {**found, "leader": self.leader} if has_leader else found

    def _transfer_leadership(self, address: str, body: Mapping[str, Any]) -> dict[str, Any]:
        object.__setattr__(self, "leader", body["targetID"])
        return {}

    def _of(self, id: str) -> dict[str, Any]:
        for member in self.raw:
            if member["ID"] == id:
                found: dict[str, Any] = member
                return found
        raise EtcdRefused("etcdserver: member not found")
