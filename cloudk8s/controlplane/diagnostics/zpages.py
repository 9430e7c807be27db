"""`/statusz` and `/flagz`: what runs here since when, and with which flags; as text, or as objects for programs.

https://kubernetes.io/docs/reference/instrumentation/zpages/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cloudk8s.apiserver.endpoints import version_info
from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.errors import NotAcceptable
from cloudk8s.machinery import codec
from cloudk8s.machinery.times import format_time

GROUP: Final = "config.k8s.io"
VERSIONS: Final = ("v1beta1", "v1alpha1")
_TEXTS: Final = ("text/plain", "text/*", "*/*", "")
_WARNING: Final = (
    "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is "
    "for debugging purposes only."
)


@dataclass(frozen=True, slots=True)
class Status:
    """What `/statusz` tells."""

    component: str
    kubernetes_version: str
    started: datetime
    paths: Sequence[str]


def statusz(request: Request, status: Status, now: datetime) -> Response:
    """The page; 406 for what is neither text nor an object."""
    info = version_info(status.kubernetes_version)
    binary = info["gitVersion"].removeprefix("v")
    up = now - status.started
    if (version := _version(request, "Statusz")) is not None:
        fields = {
            "startTime": format_time(status.started), "uptimeSeconds": int(up.total_seconds()),
            "goVersion": info["goVersion"], "binaryVersion": binary, "emulationVersion": status.kubernetes_version,
            "paths": list(status.paths),
        }  # fmt: skip
        return _document("Statusz", version, status.component, fields)
    lines = [
        f"Started: {status.started:%a %b %e %H:%M:%S UTC %Y}",
        f"Up: {_spoken(up)}",
        f"Go version: {info['goVersion']}",
        f"Binary version: {binary}",
        f"Emulation version: {status.kubernetes_version}",
        f"Paths: {' '.join(status.paths)}",
    ]
    return _text(f"{status.component} statusz", lines)


def flagz(request: Request, component: str, flags: Mapping[str, str]) -> Response:
    """The page; 406 for what is neither text nor an object."""
    if (version := _version(request, "Flagz")) is not None:
        return _document("Flagz", version, component, {"flags": dict(flags)})
    return _text(f"{component} flagz", [f"{name}={flags[name]}" for name in sorted(flags)])


def _version(request: Request, kind: str) -> str | None:
    """The version of the object that the client wants; None if it takes text. Raises NotAcceptable."""
    for clause in request.headers.get("accept", "").split(","):
        media, *rest = (part.strip() for part in clause.split(";"))
        given = dict(part.split("=", 1) for part in rest if "=" in part)
        if media in _TEXTS:
            return None
        wanted = (media, given.get("as"), given.get("g"))
        if wanted == ("application/json", kind, GROUP) and given.get("v") in VERSIONS:
            return given["v"]
    offered = ", ".join(("text/plain", *(f"application/json;g={GROUP};v={each};as={kind}" for each in VERSIONS)))
    raise NotAcceptable(f"only the following media types are accepted: {offered}")


def _document(kind: str, version: str, component: str, fields: Mapping[str, Any]) -> Response:
    found = {"kind": kind, "apiVersion": f"{GROUP}/{version}", "metadata": {"name": component}, **fields}
    return Response(200, codec.encode(found))


def _text(title: str, lines: Sequence[str]) -> Response:
    return Response(200, "\n".join(["", title, _WARNING, "", *lines, ""]).encode(), "text/plain; charset=utf-8")


def _spoken(time: timedelta) -> str:
    seconds = int(time.total_seconds())
    return f"{seconds // 3600} hr {seconds // 60 % 60:02d} min {seconds % 60:02d} sec"
