"""Routes of the serving side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from cloudk8s.apiserver.http.interface import Answer, Request, Response
from cloudk8s.client.interface import Object
from cloudk8s.node import configuration_file
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.tools import Tools
from cloudk8s.node.pods.worker import PodWorker
from cloudk8s.node.pods.workers import PodWorkers
from cloudk8s.node.runtimes.interface import Container, RuntimeFailure, Session, StreamOptions
from cloudk8s.node.server import log_file, log_lines, responses
from cloudk8s.node.server.authorization import DelegatedAuthorization, Denied
from cloudk8s.node.server.responses import Write
from cloudk8s.node.server.statistics import Statistics

Query = dict[str, list[str]]
_OPEN = ("/healthz",)


class Application:
    """The handler of the node's HTTP server."""

    def __init__(self, tools: Tools, workers: PodWorkers, authorization: DelegatedAuthorization | None) -> None:
        self._tools, self._workers, self._authorization = tools, workers, authorization
        self._statistics = Statistics(tools, workers)
        self._pages: dict[str, Callable[[], Awaitable[Answer]]] = {
            "/healthz": self._healthz,
            "/pods": self._pods,
            "/runningpods": self._running_pods,
            "/metrics/resource": self._resource_metrics,
            "/metrics/cadvisor": self._container_metrics,
            "/metrics/probes": self._probe_metrics,
            "/metrics": self._metrics,
            "/configz": self._configz,
        }

    async def __call__(self, request: Request) -> Answer:
        if self._authorization is not None and request.path not in _OPEN:
            try:
                await self._authorization.check(request)
            except Denied as error:
                return responses.text(error.status, str(error))
        if page := self._pages.get(request.path.rstrip("/")):
            return await page()
        if request.path.rstrip("/") == "/stats/summary":
            return await self._summary(request)
        parts = [unquote(part) for part in request.path.strip("/").split("/")]
        try:
            return await self._of_container(request, parts)
        except _Refused as error:
            return responses.text(error.status, str(error))

    async def _of_container(self, request: Request, parts: list[str]) -> Answer:
        query = parse_qs(request.query, keep_blank_values=True)
        match parts:
            case ["containerLogs", namespace, name, container]:
                return self._logs(self._worker(namespace, name), container, query)
            case ["exec", namespace, name, *rest] if rest:
                return self._exec(request, self._worker(namespace, name), rest[-1], query)
            case ["attach", namespace, name, *rest] if rest:
                return self._attach(request, self._worker(namespace, name), rest[-1], query)
            case ["portForward", namespace, name, *_]:
                return self._port_forward(request, self._worker(namespace, name), query)
            case ["run", namespace, name, *rest] if rest:
                return await self._run(self._worker(namespace, name), rest[-1], query)
        return responses.text(404, "404 page not found\n")

    def _logs(self, worker: PodWorker, name: str, query: Query) -> Answer:
        flat = {key: values[-1] for key, values in query.items()}
        try:
            options = log_lines.parse_options(flat, self._tools.clock.now())
        except log_lines.BadOption as error:
            raise _Refused(422, str(error)) from error
        container = _logged(worker, name, previous=options.previous)

        def is_running() -> bool:
            latest = worker.observed.by_id(container.id)
            return latest is not None and latest.state == "running"

        async def produce(write: Write) -> None:
            path = Path(container.log_path)
            await log_file.send_log(path, options, write, is_running=is_running, clock=self._tools.clock)

        return responses.produced(produce)

    def _exec(self, request: Request, worker: PodWorker, name: str, query: Query) -> Answer:
        from cloudk8s.node.server import remote_command  # WebSockets and SPDY, which few nodes are ever asked for

        container = _running(worker, name)
        command, options = query.get("command", []), _stream_options(query)

        async def open_session() -> Session:
            return await self._tools.runtime.exec(container.id, command, options)

        return remote_command.serve(request, options, open_session)

    def _attach(self, request: Request, worker: PodWorker, name: str, query: Query) -> Answer:
        from cloudk8s.node.server import remote_command

        container = _running(worker, name)
        options = _stream_options(query)
        spec = pods.find_container(worker.pod, name) or {}
        if options.tty != bool(spec.get("tty")) and options.tty:
            raise _Refused(400, f"container {name} has no tty")

        async def open_session() -> Session:
            return await self._tools.runtime.attach(container.id, options)

        return remote_command.serve(request, options, open_session)

    def _port_forward(self, request: Request, worker: PodWorker, query: Query) -> Answer:
        from cloudk8s.node.server import port_forward

        sandbox = worker.observed.ready_sandbox
        if sandbox is None:
            raise _Refused(404, f"sandbox of pod {pods.full_name(worker.pod)} not found")
        sandbox_id = sandbox.id
        ports = [int(port) for value in query.get("port", []) for port in value.split(",") if port.isdigit()]

        async def dial(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await self._tools.runtime.port_forward(sandbox_id, port)

        return port_forward.serve(request, pods.full_name(worker.pod), ports, dial)

    async def _run(self, worker: PodWorker, name: str, query: Query) -> Answer:
        container = _running(worker, name)
        command = " ".join(query.get("cmd", [])).split()
        try:
            result = await self._tools.runtime.exec_sync(container.id, command, None)
        except RuntimeFailure as error:
            return responses.text(500, str(error))
        return responses.text(
            200 if result.exit_code == 0 else 500, (result.stdout + result.stderr).decode("utf-8", "replace")
        )

    def _worker(self, namespace: str, name: str) -> PodWorker:
        worker = self._workers.find(namespace, name)
        if worker is None:
            raise _Refused(404, f'pod "{name}" does not exist')
        return worker

    async def _healthz(self) -> Answer:
        return responses.text(200, "ok")

    async def _pods(self) -> Answer:
        return responses.json(_pod_list([_shown(worker) for worker in self._workers.all()]))

    async def _running_pods(self) -> Answer:
        running = [worker for worker in self._workers.all() if worker.observed.running()]
        return responses.json(_pod_list([_shown(worker) for worker in running]))

    async def _summary(self, request: Request) -> Answer:
        wanted = parse_qs(request.query).get("only_cpu_and_memory", ["false"])[-1]
        return responses.json(await self._statistics.summary(only_cpu_and_memory=wanted in ("true", "1")))

    async def _resource_metrics(self) -> Answer:
        return _text_page(await self._statistics.resource_metrics())

    async def _container_metrics(self) -> Answer:
        return _text_page(await self._statistics.container_metrics())

    async def _probe_metrics(self) -> Answer:
        return _text_page(self._statistics.probe_metrics())

    async def _metrics(self) -> Answer:
        import prometheus_client  # a few megabytes, for nodes that are scraped only

        own = await self._statistics.agent_metrics()
        return _text_page(own + prometheus_client.generate_latest().decode())

    async def _configz(self) -> Answer:
        return responses.json({"kubeletconfig": configuration_file.shown(self._tools.settings)})


def _text_page(page: str) -> Response:
    return Response(200, page.encode(), "text/plain; version=0.0.4; charset=utf-8")


class _Refused(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def _stream_options(query: Query) -> StreamOptions:
    """The node's names first, the API's as well: whoever proxies may leave them as they are."""

    def flag(*names: str) -> bool:
        return any(value.lower() in ("1", "true") for name in names for value in query.get(name, []))

    tty = flag("tty")
    return StreamOptions(
        stdin=flag("input", "stdin"),
        stdout=flag("output", "stdout"),
        stderr=flag("error", "stderr") and not tty,
        tty=tty,
    )


def _running(worker: PodWorker, name: str) -> Container:
    latest = worker.observed.latest(name)
    if latest is None or latest.state != "running":
        raise _Refused(404, f'container not found ("{name}")')
    return latest


def _logged(worker: PodWorker, name: str, *, previous: bool) -> Container:
    """The run whose log is meant."""
    pod_name = worker.pod["metadata"]["name"]
    if pods.find_container(worker.pod, name) is None:
        raise _Refused(404, f"container {name} is not valid for pod {pod_name}")
    runs = [each for each in worker.observed.containers.get(name, ()) if each.state != "created"]
    if previous:
        runs = runs[1:] if runs and runs[0].state == "running" else runs[1:] or runs
        if not runs:
            raise _Refused(400, f'previous terminated container "{name}" in pod "{pod_name}" not found')
    if runs:
        return runs[0]
    raise _Refused(400, f'container "{name}" in pod "{pod_name}" is {_why_not(worker, name)}')


def _why_not(worker: PodWorker, name: str) -> str:
    fields = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    for status in (each for field in fields for each in worker.status.get(field) or ()):
        if status["name"] == name and (waiting := status["state"].get("waiting")):
            if waiting.get("reason") in ("ErrImagePull", "ImagePullBackOff"):
                return "waiting to start: trying and failing to pull image"
            return f"waiting to start: {waiting.get('reason', '')}"
    return "not available"


def _shown(worker: PodWorker) -> Object:
    return {**worker.pod, "status": worker.status}


def _pod_list(items: list[Object]) -> dict[str, Any]:
    return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}
