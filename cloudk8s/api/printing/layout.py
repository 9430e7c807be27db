"""How one kind is printed: its columns and a function from an object to their cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cloudk8s.api.resource import Object

Cells = Callable[[Object, datetime], list[Any]]
NONE: Final = "<none>"
UNKNOWN: Final = "<unknown>"
UNSET: Final = "<unset>"


@dataclass(frozen=True, slots=True)
class Heading:
    """One column; `about` is its description, or, without a leading `=`, the schema path that has it."""

    name: str
    about: str
    type: str = "string"
    priority: int = 0
    format: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind's columns and cells."""

    headings: Sequence[Heading]
    cells: Cells


NAME: Final = Heading("Name", "metadata.name", format="name")
AGE: Final = Heading("Age", "metadata.creationTimestamp")
CREATED_AT: Final = Heading("Created At", "metadata.creationTimestamp", "date")
CONTAINERS: Final = Heading("Containers", "=Names of each container in the template.", priority=1)
IMAGES: Final = Heading("Images", "=Images referenced by each container in the template.", priority=1)
SELECTOR: Final = Heading("Selector", "spec.selector", priority=1)
