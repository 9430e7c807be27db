"""What a runtime may answer instead of doing what it was asked."""

from __future__ import annotations

from cloudk8s.errors import CloudK8sError


class RuntimeFailure(CloudK8sError):
    """The runtime could not do what was asked; trying again may help."""


class UnknownId(RuntimeFailure):
    """No sandbox or container has this id."""


class CreateFailed(RuntimeFailure):
    """The container's description cannot work on this runtime."""


class StartFailed(RuntimeFailure):
    """The process could not be started."""


class ImageMissing(RuntimeFailure):
    """The image is not on this host."""


class ImagePullFailed(RuntimeFailure):
    """What the registry answered cannot be used."""


class RegistryUnavailable(RuntimeFailure):
    """The registry cannot be reached."""


class InvalidImageName(RuntimeFailure):
    """The image reference cannot be read."""
