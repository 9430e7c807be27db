"""What one contract learned that another can use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class KnownVpc:
    """The VPC of the cluster, as soon as it was seen or made: machines are then listed by it, which costs a cloud less
    than a search by tag. Empty is not known.
    """

    id: str = ""
