"""For authors of scheduler plugins: the extension points, and what a plugin gets to see. Imports no numpy."""

from __future__ import annotations

from cloudk8s.scheduler.interface import (
    MAX_SCORE,
    Bind,
    Candidates,
    ClusterEvent,
    Cycle,
    Factory,
    Filter,
    Handle,
    Hint,
    Interest,
    Interested,
    Nomination,
    Permit,
    Plugin,
    PostBind,
    PostFilter,
    PreBind,
    PreEnqueue,
    PreFilter,
    PreScore,
    QueueSort,
    Refusal,
    Rejection,
    Reserve,
    Score,
    Wait,
)

__all__ = [
    "MAX_SCORE", "Bind", "Candidates", "ClusterEvent", "Cycle", "Factory", "Filter", "Handle", "Hint", "Interest",
    "Interested", "Nomination", "Permit", "Plugin", "PostBind", "PostFilter", "PreBind", "PreEnqueue", "PreFilter",
    "PreScore", "QueueSort", "Refusal", "Rejection", "Reserve", "Score", "Wait",
]  # fmt: skip
