"""What one request costs inside the API server, without network: `python -m benchmarks.requests [--seconds 3]`.

Thirty-two clients in the server's own process send the load generator's pod through the whole pipeline (authentication
by token, authorization, admission, defaults, managed fields, a durable store). Printed is CPU time, which other work on
the machine does not change much: of the loop's thread, and of the whole process with the store's writer. `--profile`
writes where the loop's time goes.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import inspect
import pstats
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

from cloudk8s.apiserver.authentication import UserInfo
from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.controlplane import loop
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings

PODS = "/api/v1/namespaces/default/pods"
CLIENTS = 32
ROUNDS = 10
HELD = 2000
"""Pods that reads and patches choose from."""
PATCH = codec.encode({"metadata": {"annotations": {"bench/t": "1"}}, "status": {"message": "m"}})

Call = Callable[[str, str, bytes, str], Awaitable[Response]]


class Peer:
    """A connection that is none."""

    peer_certificate = None
    remote = "127.0.0.1"

    def __init__(self) -> None:
        self.memo: dict[str, object] = {}


class Caller:
    """Sends requests as a client with a token would."""

    def __init__(self, running: RunningApiServer, token: str = "") -> None:
        self._handle = running.assembly.server.handle
        self._peer = Peer()
        self._token = token

    async def call(self, method: str, target: str, body: bytes = b"", kind: str = "application/json") -> Response:
        headers = {"host": "x", "content-type": kind, "accept": "application/json", "authorization": self._token}
        answer: Any = self._handle(Request(method, target, headers, body, self._peer))
        if inspect.isawaitable(answer):
            answer = await answer
        assert isinstance(answer, Response)
        assert answer.status < 300, answer.body
        return answer


def pod(name: str, *, is_generated: bool = False) -> bytes:
    """The load generator's pod of 3 KB."""
    labels = {"app": "bench", "tier": "web", "pod-template-hash": "5d4f8c7b9"}
    meta: dict[str, Any] = {"labels": labels, "annotations": {"bench/one": "x" * 200, "bench/two": "y" * 200}}
    meta["generateName" if is_generated else "name"] = name
    container = {
        "name": "web", "image": "registry.k8s.io/pause:3.9", "command": ["/pause"],
        "ports": [{"containerPort": 8080, "name": "http"}],
        "env": [{"name": f"VAR_{index}", "value": "v" * 20} for index in range(10)],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 20},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 10},
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
    }  # fmt: skip
    spec = {
        "schedulerName": "nobody", "containers": [container], "volumes": [{"name": "scratch", "emptyDir": {}}],
        "tolerations": [{"key": "bench", "operator": "Exists"}],
    }  # fmt: skip
    return codec.encode({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})


async def prepared(running: RunningApiServer) -> Caller:
    """A caller with a token that may do everything, and the pods that are worked on."""
    local = running.assembly.local(UserInfo("admin", groups=("system:masters",)), agent="bench")
    for name in ("bench", "default"):
        await local.call("POST", "/api/v1/namespaces/default/serviceaccounts", body={"metadata": {"name": name}})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    subject = {"kind": "ServiceAccount", "name": "bench", "namespace": "default"}
    binding = {"metadata": {"name": "bench"}, "roleRef": role, "subjects": [subject]}
    await local.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", body=binding)
    token = await local.call("POST", "/api/v1/namespaces/default/serviceaccounts/bench/token", body={"spec": {}})
    assert isinstance(token.body, bytes)
    caller = Caller(running, f"Bearer {codec.decode(token.body)['status']['token']}")
    for first in range(0, HELD, CLIENTS):
        numbers = range(first, min(first + CLIENTS, HELD))
        await asyncio.gather(*[caller.call("POST", PODS, pod(f"p{number}")) for number in numbers])
    return caller


async def measure(name: str, request: Callable[[], Awaitable[Response]], seconds: float, profile: bool) -> None:
    """Print what a request costs: the best of some rounds, which is what other work has disturbed least."""
    recorder = cProfile.Profile() if profile else None
    if recorder:
        recorder.enable()
    costs = [await one_round(request, seconds / ROUNDS) for _ in range(ROUNDS)]
    if recorder:
        recorder.disable()
    thread, process = (min(each) * 1e6 for each in zip(*costs, strict=True))
    print(f"{name:<16} {thread:>8.1f} µs loop {process:>8.1f} µs process", flush=True)
    if recorder:
        pstats.Stats(recorder).sort_stats("tottime").print_stats(45)


async def one_round(request: Callable[[], Awaitable[Response]], seconds: float) -> tuple[float, float]:
    """CPU seconds for each request, of the loop's thread and of the process."""
    done, end = 0, time.monotonic() + seconds

    async def client() -> None:
        nonlocal done
        while time.monotonic() < end:
            await request()
            done += 1

    thread, process = time.thread_time(), time.process_time()
    await asyncio.gather(*[client() for _ in range(CLIENTS)])
    return (time.thread_time() - thread) / done, (time.process_time() - process) / done


async def run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as directory:
        settings = ClusterSettings(data_dir=Path(directory), port=0)
        async with running_api_server(settings) as running:
            caller = await prepared(running)
            loop.settle()
            numbers = count()

            def any_pod() -> str:
                return f"{PODS}/p{next(numbers) * 7919 % HELD}"

            cases: dict[str, Callable[[], Awaitable[Response]]] = {
                "get": lambda: caller.call("GET", any_pod()),
                "list": lambda: caller.call("GET", f"{PODS}?limit=500"),
                "create": lambda: caller.call("POST", PODS, pod("c-", is_generated=True)),
                "patch": lambda: caller.call(
                    "PATCH", f"{any_pod()}/status", PATCH.replace(b'"m"', b'"%d"' % next(numbers)),
                    "application/merge-patch+json",
                ),
                "patch again": lambda: caller.call(
                    "PATCH", f"{any_pod()}/status", PATCH, "application/merge-patch+json"
                ),
            }  # fmt: skip
            for name in options.only.split(",") if options.only else cases:
                await measure(name, cases[name], options.seconds, options.profile)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", default="", help="cases, with commas between them")
    parser.add_argument("--profile", action="store_true")
    loop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
