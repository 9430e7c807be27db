from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.audit.log_file import AuditLog, Rotation
from cloudk8s.apiserver.audit.policy import Policy, load
from cloudk8s.apiserver.audit.trail import AuditTrail
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.authorization.interface import Attributes, Decision
from cloudk8s.apiserver.http.interface import Response, Stream
from cloudk8s.client import resources
from cloudk8s.controlplane.api_server import ApiServerOptions, running_api_server
from cloudk8s.errors import Forbidden, SettingsError
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.settings import ClusterSettings
from tests.apiserver.authentication.requests import request

ANN = UserInfo("ann", groups=("dev",))
GET = Attributes(ANN, "get", "", "v1", "secrets", "", "ns", "s")


class Events(list[dict[str, Any]]):
    def write(self, line: bytes) -> None:
        self.append(json.loads(line))


def trail(*rules: dict[str, Any], **policy: Any) -> tuple[AuditTrail, Events]:
    events = Events()
    return AuditTrail(Policy({"rules": list(rules), **policy}), events.write, clock=FakeClock()), events


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ({}, True),
        ({"users": ["ann"]}, True),
        ({"users": ["bob"]}, False),
        ({"userGroups": ["ops", "dev"]}, True),
        ({"verbs": ["list"]}, False),
        ({"namespaces": ["ns"]}, True),
        ({"namespaces": ["other"]}, False),
        ({"resources": [{"group": ""}]}, True),
        ({"resources": [{"group": "apps"}]}, False),
        ({"resources": [{"group": "", "resources": ["secrets"], "resourceNames": ["s"]}]}, True),
        ({"resources": [{"group": "", "resources": ["secrets"], "resourceNames": ["t"]}]}, False),
        ({"resources": [{"group": "", "resources": ["secrets/status"]}]}, False),
        ({"resources": [{"group": "", "resources": ["*"]}]}, True),
        ({"nonResourceURLs": ["*"]}, False),
    ],
)
def test_rules_pick_requests(rule: dict[str, Any], matches: bool) -> None:
    policy = Policy({"rules": [{"level": "Request", **rule}, {"level": "Metadata"}]})
    assert policy.verdict(GET).level == ("Request" if matches else "Metadata")


def test_rules_pick_subresources_and_paths() -> None:
    status = GET._replace(resource="pods", subresource="status")
    for pattern, level in (
        ("pods", "None"),
        ("pods/status", "Metadata"),
        ("pods/*", "Metadata"),
        ("*/status", "Metadata"),
    ):
        rule = {"level": "Metadata", "resources": [{"group": "", "resources": [pattern]}]}
        assert Policy({"rules": [rule]}).verdict(status).level == level
    paths = Policy({"rules": [{"level": "Metadata", "nonResourceURLs": ["/healthz*"]}]})
    assert paths.verdict(Attributes(ANN, "get", path="/healthz/x")).level == "Metadata"
    assert paths.verdict(Attributes(ANN, "get", path="/version")).level == "None"


def test_what_the_policy_does_not_name_is_not_recorded() -> None:
    audit, events = trail({"level": "None"})
    assert audit.begin(request(), GET) is None
    assert not events


def test_metadata_says_who_did_what() -> None:
    audit, events = trail({"level": "Metadata"}, omitStages=["RequestReceived"])
    trace = audit.begin(request(user_agent="kubectl/1", audit_id="my-id", x_forwarded_for="192.0.2.1"), GET)
    assert trace is not None
    trace.decided(Decision("allow", "RBAC: allowed"))
    trace.conclude(Response(200, b'{"kind":"Secret"}'))
    assert events == [
        {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": "my-id",
            "stage": "ResponseComplete",
            "requestURI": "/",
            "verb": "get",
            "user": {"username": "ann", "groups": ["dev"]},
            "sourceIPs": ["192.0.2.1", "127.0.0.1"],
            "userAgent": "kubectl/1",
            "objectRef": {"resource": "secrets", "namespace": "ns", "name": "s", "apiVersion": "v1"},
            "requestReceivedTimestamp": "2026-01-01T00:00:00.000000Z",
            "responseStatus": {"metadata": {}, "code": 200},
            "annotations": {
                "authorization.k8s.io/decision": "allow",
                "authorization.k8s.io/reason": "RBAC: allowed",
            },
            "stageTimestamp": "2026-01-01T00:00:00.000000Z",
        }
    ]


def test_bodies_are_recorded_as_far_as_the_level_says() -> None:
    sent = request()
    sent.body = b'{"metadata":{"name":"x","managedFields":[1]}}'
    for level, fields in (("Metadata", set()), ("Request", {"requestObject"})):
        audit, events = trail({"level": level})
        trace = audit.begin(sent, GET)
        assert trace is not None
        trace.conclude(Response(201, b'{"a":1}'))
        assert {"requestObject", "responseObject"} & set(events[-1]) == fields
        assert "requestObject" not in events[0]
    audit, events = trail({"level": "RequestResponse", "omitManagedFields": True})
    trace = audit.begin(sent, GET)
    assert trace is not None
    trace.conclude(Response(201, [b'{"metadata":{"managedFields":[1]},', b'"b":2}']))
    assert events[-1]["requestObject"] == {"metadata": {"name": "x"}}
    assert events[-1]["responseObject"] == {"metadata": {}, "b": 2}


def test_a_stream_is_complete_when_it_ends() -> None:
    stopped: list[bool] = []
    audit, events = trail({"level": "Metadata"})
    trace = audit.begin(request(), GET._replace(verb="watch"))
    assert trace is not None
    answer = trace.conclude(Stream(lambda writer: None, lambda: stopped.append(True)))
    assert [event["stage"] for event in events] == ["RequestReceived", "ResponseStarted"]
    assert isinstance(answer, Stream)
    answer.stop()
    assert (events[-1]["stage"], stopped) == ("ResponseComplete", [True])


def test_a_bad_policy_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    for text, message in (
        ("kind: Pod", "is not an audit"),
        ("kind: Policy\nrules: []", "has no rules"),
        ("kind: Policy\nrules: [{level: Loud}]", "'Loud' is none of None, Metadata"),
        ("kind: Policy\nrules: [{level: None, omitStages: [Soon]}]", "'Soon' is none of"),
        ("a: [", "is not YAML"),
    ):
        path.write_text(text)
        with pytest.raises(SettingsError, match=message):
            load(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "absent")


def test_the_file_is_rotated_by_size(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "audit.log"
    with AuditLog(str(path), Rotation(max_megabytes=1, max_backups=2)) as log:
        for number in range(9):
            log.write(b"%d" % number * 600_000)
    held = {each.name: [line[:1] for line in each.read_bytes().split()] for each in path.parent.iterdir()}
    assert held == {"audit.log": [b"8"], "audit.log.1": [b"6", b"7"], "audit.log.2": [b"4", b"5"]}
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_server_audits_what_it_answers(tmp_path: Path) -> None:
    policy, log = tmp_path / "policy.yaml", tmp_path / "audit.log"
    policy.write_text(
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n"
        "- {level: RequestResponse, users: [ann], resources: [{group: '', resources: [configmaps]}]}\n"
    )
    options = ApiServerOptions(audit_policy=policy, audit_log=str(log))
    settings = ClusterSettings(data_dir=tmp_path / "data", port=0, store="memory://")
    async with running_api_server(settings, options) as server:
        local = server.assembly.local(UserInfo("ann", groups=("system:masters",)), agent="test")
        await local.call("POST", "/api/v1/namespaces/default/configmaps", body={"metadata": {"name": "c"}})
        with pytest.raises(Forbidden):
            await server.assembly.local(ANN, agent="test").call("GET", "/api/v1/namespaces/default/configmaps/c")
        await server.client("root", "system:masters").create(
            resources.CONFIG_MAPS, {"metadata": {"name": "d"}}, namespace="default"
        )
    created, refused = [json.loads(line) for line in log.read_text().splitlines()]
    assert (created["verb"], created["responseStatus"]["code"]) == ("create", 201)
    assert created["responseObject"]["metadata"]["uid"]
    assert refused["responseStatus"]["reason"] == "Forbidden"
    assert refused["annotations"]["authorization.k8s.io/decision"] == "forbid"
