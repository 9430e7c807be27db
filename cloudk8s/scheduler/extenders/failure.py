"""What is raised when an extender fails; apart, for it costs nothing to import."""

from __future__ import annotations

from cloudk8s.errors import CloudK8sError


class ExtenderFailed(CloudK8sError):
    """An extender that may not be ignored did not answer, or answered an error."""
