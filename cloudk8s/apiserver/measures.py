"""What is measured below the handlers: how long the store and admission take. `/metrics` reads it."""

from __future__ import annotations

from typing import Final

from cloudk8s.machinery.instruments import Histogram

_STORE_BOUNDS: Final = (
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0,
    45.0, 60.0,
)  # fmt: skip
_STEP_BOUNDS: Final = (0.005, 0.025, 0.1, 0.5, 2.5)
"""Upstream's bounds, in seconds."""


class Measures:
    """Instruments that writes note in."""

    def __init__(self) -> None:
        self.store = Histogram(
            "etcd_request_duration_seconds",
            "Seconds until the store had taken a write, whichever store it is; reads come from memory.",
            _STORE_BOUNDS,
            ("operation", "group", "resource"),
        )
        self.admission = Histogram(
            "apiserver_admission_step_admission_duration_seconds",
            "Seconds in all admission plugins together.",
            _STEP_BOUNDS,
            ("operation", "rejected", "type"),
        )
