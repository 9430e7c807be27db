"""Which machine this is: the one its user data names, or one of those that were made together, by its index."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Mapping
from typing import Final

from cloudk8s.cloud.model.names import unpack
from cloudk8s.errors import CloudK8sError

INDEX: Final = "CLOUDK8S_MACHINE_INDEX"
"""Environment: the launch index, where there is no metadata service."""
ANY: Final = "*"
"""Ends the name of all machines of a scaling group: each puts what the cloud calls it in its place."""
_SERVICE: Final = "http://169.254.169.254/latest"
_SECONDS: Final = 5


def machine_name(names: str, environment: Mapping[str, str] = os.environ) -> str:
    """The name of this machine among the names in its user data. Blocks; raises CloudK8sError."""
    if names.endswith(ANY):
        return names.removesuffix(ANY) + _metadata("instance-id").removeprefix("i-")
    known = unpack(names)
    if len(known) == 1:
        return known[0]
    index = int(environment[INDEX]) if environment.get(INDEX) else _launch_index()
    if index >= len(known):
        raise CloudK8sError(f"this machine's launch index is {index}, but user data has {len(known)} names")
    return known[index]


def _launch_index() -> int:
    """Which of those that were started together."""
    try:
        return int(_metadata("ami-launch-index"))
    except ValueError as error:
        raise CloudK8sError(f"the metadata service's launch index is no number: {error}") from error


def _metadata(name: str) -> str:
    """From the instance metadata service, in its second version."""
    try:
        token = _ask("PUT", "api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        return _ask("GET", f"meta-data/{name}", {"X-aws-ec2-metadata-token": token})
    except OSError as error:
        raise CloudK8sError(f"the metadata service does not tell which machine this is: {error}") from error


def _ask(method: str, path: str, headers: Mapping[str, str]) -> str:
    request = urllib.request.Request(f"{_SERVICE}/{path}", method=method, headers=dict(headers))
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
        return str(answer.read().decode())
