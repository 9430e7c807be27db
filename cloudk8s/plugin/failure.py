"""What can be wrong with a plugin, said so that its author and its user know whose fault it is."""

from __future__ import annotations

from cloudk8s.errors import CloudK8sError


class PluginError(CloudK8sError):
    """A plugin is broken; the host goes on without it."""

    def __init__(self, plugin: str, distribution: str, reason: str) -> None:
        super().__init__(f"plugin {plugin!r} of {distribution or 'no distribution'}: {reason}")
        self.plugin = plugin
        self.distribution = distribution
        self.reason = reason
