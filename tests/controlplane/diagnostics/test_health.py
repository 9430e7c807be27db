"""Health of a component, by its checks."""

from __future__ import annotations

from cloudk8s.apiserver.http.interface import Request, joined
from cloudk8s.controlplane.diagnostics.health import Health
from cloudk8s.machinery.exposition import page


class Connection:
    def __init__(self) -> None:
        self.peer_certificate: bytes | None = None
        self.remote = "127.0.0.1"
        self.memo: dict[str, object] = {}


def ask(health: Health, target: str) -> tuple[int, str] | None:
    found = health.answer(Request("GET", target, {}, b"", Connection()))
    return None if found is None else (found.status, joined(found.body).decode())


def test_without_checks_there_is_a_ping() -> None:
    assert ask(Health(), "/healthz") == (200, "ok")
    assert ask(Health(), "/livez?verbose") == (200, "[+]ping ok\nlivez check passed\n")
    assert ask(Health(), "/livez/ping") == (200, "ok")
    assert ask(Health(), "/livez/other") is None
    assert ask(Health(), "/metrics") is None


def test_a_failing_check_fails_its_endpoint_and_can_be_left_out() -> None:
    states = {"leaderElection": "", "job-controller": ""}
    health = Health(healthz=lambda: {name: lambda name=name: states[name] for name in states})  # type: ignore[misc]
    assert ask(health, "/healthz") == (200, "ok")
    states["job-controller"] = "it broke"
    failed = "[+]leaderElection ok\n[-]job-controller failed: reason withheld\nhealthz check failed\n"
    assert ask(health, "/healthz") == (500, failed)
    assert ask(health, "/healthz?exclude=job-controller") == (200, "ok")
    assert ask(health, "/healthz/job-controller") == (500, "internal server error: reason withheld\n")
    assert ask(health, "/readyz") == (200, "ok"), "endpoints have checks of their own"


def test_objectives_tell_each_check_and_how_often_it_was_asked() -> None:
    health = Health(healthz=lambda: {"leaderElection": lambda: "late"})
    ask(health, "/healthz")
    text = page(health.families())
    assert 'kubernetes_healthcheck{name="leaderElection",type="healthz"} 0\n' in text
    assert 'kubernetes_healthcheck{name="ping",type="livez"} 1\n' in text
    assert 'kubernetes_healthchecks_total{name="leaderElection",status="error",type="healthz"} 2\n' in text
