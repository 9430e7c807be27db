"""The server's own paths: version and the list of paths; health and discovery hang themselves in beside them."""

from __future__ import annotations

import platform
import sys
from typing import Final

from cloudk8s import __version__
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.http.interface import Answer, Request, Response
from cloudk8s.apiserver.negotiation import JSON, negotiate
from cloudk8s.apiserver.paths import PathHandler, Paths
from cloudk8s.errors import NotAcceptable
from cloudk8s.machinery import codec


def add_endpoints(paths: Paths, core: Core) -> None:
    """Answer the paths that are no resources and no discovery."""
    paths.add("/version", _version(core.registry.version))
    paths.add("/", lambda context, request: Response(200, codec.encode({"paths": sorted(paths.known)})))


def version_info(minor_version: str) -> dict[str, str]:
    """The document at `/version`; `gitVersion` is what clients compare, the build is ours."""
    major, _, minor = minor_version.partition(".")
    return {
        "major": major,
        "minor": minor,
        "emulationMajor": major,
        "emulationMinor": minor,
        "minCompatibilityMajor": major,
        "minCompatibilityMinor": str(int(minor) - 1),
        "gitVersion": f"v{minor_version}.0+cloudk8s.{__version__}",
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"{sys.platform}/{_MACHINES.get(platform.machine(), platform.machine())}",
    }


_MACHINES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


def _version(minor_version: str) -> PathHandler:
    def answer(context: RequestContext, request: Request) -> Answer:
        if negotiate(request.headers.get("accept", ""), has_table=False).media_type != JSON:
            error = NotAcceptable("406: Not Acceptable\n\nAvailable representations: application/json")
            raise NotAcceptable(error.message, status=error.status | {"details": {}})
        return Response(200, codec.encode(version_info(minor_version)))

    return answer
