"""What a process imports before it is of use, which is most of the time that it takes to start."""

from __future__ import annotations

import subprocess
import sys

import pytest

LATE = frozenset({"boto3", "grpc", "h11", "httpx", "libcloud", "numpy", "rich", "wsproto", "yaml"})
"""Needed by some requests only, or by what starts once the API answers."""


@pytest.mark.parametrize("module", ["cloudk8s.controlplane.cluster", "cloudk8s.cli.apiserver", "cloudk8s.cli.up"])
def test_servers_answer_before_they_import_what_few_requests_need(module: str) -> None:
    assert not LATE & imported_by(module)


def imported_by(module: str) -> frozenset[str]:
    command = f"import {module}, sys; print(*(name for name in sys.modules if '.' not in name))"
    shown = subprocess.run([sys.executable, "-c", command], check=True, capture_output=True, text=True)
    return frozenset(shown.stdout.split())
