"""`/statusz` and `/flagz`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from cloudk8s.apiserver.http.interface import Request, joined
from cloudk8s.controlplane.diagnostics.zpages import Status, flagz, statusz
from cloudk8s.errors import NotAcceptable

STARTED = datetime(2026, 11, 3, 9, 8, 7, tzinfo=UTC)
STATUS = Status("kube-scheduler", "1.37", STARTED, ["/healthz", "/metrics"])


class Connection:
    def __init__(self) -> None:
        self.peer_certificate: bytes | None = None
        self.remote = "127.0.0.1"
        self.memo: dict[str, object] = {}


def request(accept: str = "") -> Request:
    return Request("GET", "/statusz", {"accept": accept} if accept else {}, b"", Connection())


def test_statusz_is_a_text_for_people() -> None:
    answer = statusz(request("text/plain"), STATUS, STARTED + timedelta(hours=27, minutes=3, seconds=4))
    lines = joined(answer.body).decode().splitlines()
    assert answer.content_type == "text/plain; charset=utf-8"
    assert lines[:2] == ["", "kube-scheduler statusz"]
    assert lines[4:6] == ["Started: Tue Nov  3 09:08:07 UTC 2026", "Up: 27 hr 03 min 04 sec"]
    assert lines[-2:] == ["Emulation version: 1.37", "Paths: /healthz /metrics"]


@pytest.mark.parametrize("version", ["v1alpha1", "v1beta1"])
def test_statusz_is_an_object_for_programs(version: str) -> None:
    accept = f"application/json;v={version};g=config.k8s.io;as=Statusz"
    found = json.loads(joined(statusz(request(accept), STATUS, STARTED + timedelta(seconds=9)).body))
    assert (found["kind"], found["apiVersion"]) == ("Statusz", f"config.k8s.io/{version}")
    assert (found["metadata"], found["uptimeSeconds"]) == ({"name": "kube-scheduler"}, 9)
    assert (found["startTime"], found["paths"]) == ("2026-11-03T09:08:07Z", ["/healthz", "/metrics"])


def test_flagz_shows_flags_in_either_form() -> None:
    flags = {"secure-port": "10259", "leader-elect": "true"}
    lines = joined(flagz(request(), "kube-scheduler", flags).body).decode().splitlines()
    assert lines[-2:] == ["leader-elect=true", "secure-port=10259"]
    accept = "application/json;v=v1alpha1;g=config.k8s.io;as=Flagz, text/plain"
    assert json.loads(joined(flagz(request(accept), "kube-scheduler", flags).body))["flags"] == flags


@pytest.mark.parametrize("accept", ["application/json", "application/json;v=v9;g=config.k8s.io;as=Flagz"])
def test_other_forms_are_not_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="text/plain"):
        flagz(request(accept), "kube-scheduler", {})
