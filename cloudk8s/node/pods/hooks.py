"""Lifecycle hooks: a command, a request or a pause after the start and before the end of a container."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from cloudk8s.machinery.clock import Clock
from cloudk8s.node.probes import http
from cloudk8s.node.probes.handlers import Subject, http_target
from cloudk8s.node.probes.outcome import ProbeError
from cloudk8s.node.runtimes.interface import Runtime, RuntimeFailure

Hook = Mapping[str, Any]
Warn = Callable[[str, str], None]
"""Say something about the pod: reason and note of an event."""
_AGENT = "kube-lifecycle/1.37"


class HookFailed(Exception):
    """The hook did not succeed; the text is what the event tells."""


async def run(runtime: Runtime, clock: Clock, subject: Subject, hook: Hook, warn: Warn) -> None:
    """Run a hook to its end; HookFailed where it fails. The caller sets the time limit."""
    if "exec" in hook:
        await _exec(runtime, subject, hook["exec"].get("command") or ())
    elif "httpGet" in hook:
        await _http(subject, hook["httpGet"], warn)
    elif "sleep" in hook:
        await clock.sleep(timedelta(seconds=int(hook["sleep"]["seconds"])).total_seconds())
    elif "tcpSocket" not in hook:
        raise HookFailed("invalid handler")


async def _exec(runtime: Runtime, subject: Subject, command: tuple[str, ...]) -> None:
    shown = " ".join(command)
    try:
        result = await runtime.exec_sync(subject.container_id, list(command), None)
    except RuntimeFailure as error:
        raise HookFailed(f"Exec lifecycle hook ({shown}) for Container failed - error: {error}") from error
    if result.exit_code != 0:
        message = (result.stdout + result.stderr).decode("utf-8", "replace")
        raise HookFailed(
            f"command '{shown}' exited with {result.exit_code}: {message}"
            if message
            else f"command '{shown}' exited with {result.exit_code}"
        )


async def _http(subject: Subject, action: Mapping[str, Any], warn: Warn) -> None:
    """Ask once; any answer will do, and one without encryption where it was to be with."""
    try:
        target = http_target(subject, action)
        try:
            await http.follow(target, user_agent=_AGENT)
        except http.NotEncrypted as error:
            if not await _answers_plainly(target):
                raise error
            note = "request to HTTPS lifecycle hook {} got HTTP response, retry with HTTP succeeded"
            warn("LifecycleHTTPFallback", note.format(urlsplit(target.url).netloc))
    except (http.RequestFailed, ProbeError) as error:
        raise HookFailed(f"Http lifecycle hook ({action.get('path', '')}) failed - error: {error}") from error


async def _answers_plainly(target: http.Target) -> bool:
    """Whether it does so without TLS; it is not told who we are then."""
    headers = tuple((name, value) for name, value in target.headers if name.lower() != "authorization")
    try:
        await http.follow(replace(target, scheme="http", headers=headers), user_agent=_AGENT)
    except http.RequestFailed:
        return False
    return True
