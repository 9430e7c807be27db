"""Ask one container in the way its probe or hook says."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cloudk8s.node.pods.pod import Container
from cloudk8s.node.probes import grpc, http, tcp
from cloudk8s.node.probes.outcome import Outcome, ProbeError
from cloudk8s.node.runtimes.interface import Runtime, RuntimeFailure


@dataclass(frozen=True, slots=True)
class Subject:
    """The container that is asked."""

    container: Container
    container_id: str
    pod_ip: str


async def ask(runtime: Runtime, subject: Subject, handler: Mapping[str, Any], timeout: timedelta) -> Outcome:
    """Run one probe within its time limit; raises ProbeError where it cannot be run at all."""
    if "exec" in handler:
        return await _exec(runtime, subject, handler["exec"].get("command") or (), timeout)
    seconds = max(1, round(timeout.total_seconds()))
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            if "httpGet" in handler:
                return await http.probe(http_target(subject, handler["httpGet"]))
            if "tcpSocket" in handler:
                action = handler["tcpSocket"]
                return await tcp.probe(action.get("host") or subject.pod_ip, port_of(subject.container, action["port"]))
            if "grpc" in handler:
                action = handler["grpc"]
                service = action.get("service") or ""
                return await grpc.probe(subject.pod_ip, int(action["port"]), service, timeout_seconds=seconds)
    except TimeoutError:
        return Outcome(False, _timed_out(subject, handler, seconds))
    raise ProbeError(f"missing probe handler for {subject.container['name']}")


def http_target(subject: Subject, action: Mapping[str, Any]) -> http.Target:
    """The URL and headers of an `httpGet`."""
    path = action.get("path") or "/"
    return http.Target(
        scheme=str(action.get("scheme") or "HTTP").lower(),
        host=_host(action.get("host") or subject.pod_ip),
        port=port_of(subject.container, action["port"]),
        path=path if path.startswith("/") else f"/{path}",
        headers=tuple((each["name"], each.get("value", "")) for each in action.get("httpHeaders") or ()),
    )


def port_of(container: Container, port: int | str) -> int:
    """A port by its number or its name."""
    if isinstance(port, int) or str(port).isdigit():
        return int(port)
    for entry in container.get("ports") or ():
        if entry.get("name") == port:
            return int(entry["containerPort"])
    raise ProbeError(f"couldn't find port: {port}")


async def _exec(runtime: Runtime, subject: Subject, command: tuple[str, ...], timeout: timedelta) -> Outcome:
    try:
        result = await runtime.exec_sync(subject.container_id, list(command), timeout)
    except TimeoutError:
        shown = " ".join(command)
        return Outcome(False, f'command timed out: "{shown}" timed out after {round(timeout.total_seconds())}s')
    except RuntimeFailure as error:
        raise ProbeError(str(error)) from error
    text = (result.stdout + result.stderr)[: http.MAX_BODY].decode("utf-8", "replace")
    return Outcome(result.exit_code == 0, text)


def _timed_out(subject: Subject, handler: Mapping[str, Any], seconds: int) -> str:
    if "httpGet" in handler:
        url = http_target(subject, handler["httpGet"]).url
        return f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    if "tcpSocket" in handler:
        action = handler["tcpSocket"]
        host = action.get("host") or subject.pod_ip
        return f"dial tcp {host}:{port_of(subject.container, action['port'])}: i/o timeout"
    return f"timeout: health rpc did not complete within {seconds}s"


def _host(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host
