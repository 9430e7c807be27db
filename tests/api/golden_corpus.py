"""Where the golden corpus is, and which of its cases are not for strategies alone."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

_REVISION = "the resource version is compared before"
_ALLOCATION = "addresses and ports are allocated elsewhere"
ELSEWHERE = {
    "csr-approval": "who asks is known to the API server",
    "hpa-behavior-bad": "an empty list is dropped on decoding",
    "service-ip-families-v6": _ALLOCATION,
    "service-node-port-range": _ALLOCATION,
    "service-require-dual": _ALLOCATION,
    "status-quota": "the request body cannot be decoded",
    "update-apiservice": _REVISION,
    "update-csidriver": _REVISION,
    "update-csr-spec": "who asks is known to the API server",
    "update-pdb-selector": _REVISION,
    "vwc-match-conditions": "expressions are compiled elsewhere",
}
"""Cases that something else than strategies decides, and what."""


def corpus() -> Path | None:
    """Where the corpus is: named by the environment, or beside the checkout."""
    given = os.environ.get("CLOUDK8S_GOLDEN")
    root = Path(__file__).parents[2]
    candidates = [Path(given)] if given else [root.parent / "shared/golden", root.parent.parent / "shared/golden"]
    return next((path for path in candidates if path.is_dir()), None)


def cases(*areas: str) -> Iterator[Path]:
    root = corpus()
    for area in areas if root else ():
        yield from sorted((root / area).glob("*.json")) if root else ()


def load_replay(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_replay", root / "replay.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["golden_replay"] = module
    spec.loader.exec_module(module)
    return module


def load(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(path.read_text())
    return case
