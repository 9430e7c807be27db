"""Get a container's image onto the host, by its pull policy, with back-off and events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from cloudk8s.client.events import EventKind
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import uid_of
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import format_duration
from cloudk8s.node.pods.backoff import Backoff
from cloudk8s.node.runtimes.host.images.reference import parse
from cloudk8s.node.runtimes.interface import (
    Credentials,
    Image,
    ImageService,
    InvalidImageName,
    RuntimeFailure,
)

Announce = Callable[[EventKind, str, str], None]
"""Called with kind, reason and note of an event."""


class ImageError(Exception):
    """The image is not there; `reason` is what the container's state shows."""

    def __init__(self, reason: str, message: str, *, wait: timedelta | None = None) -> None:
        super().__init__(message)
        self.reason, self.message, self.wait = reason, message, wait


class CredentialSource(Protocol):
    """Where logins to registries come from."""

    async def credentials(self, pod: Object, reference: str) -> Sequence[Credentials]:
        """Logins to try for an image, the best first."""


class ImagePuller:
    """Shared by all pods of the node."""

    def __init__(
        self, images: ImageService, *, clock: Clock, credentials: CredentialSource, parallel: int = 4
    ) -> None:  # fmt: skip
        self._images, self._clock, self._credentials = images, clock, credentials
        self._backoff = Backoff()
        self._slots = asyncio.Semaphore(parallel)
        self._shown: dict[str, str] = {}
        self._reasons: dict[str, str] = {}

    async def ensure(self, pod: Object, reference: str, policy: str, announce: Announce) -> Image:
        """Return the image, pulled if need be; ImageError where it cannot be had now."""
        if not reference or reference != reference.strip():
            announce("Warning", "InspectFailed", f'Failed to apply default image tag "{reference}"')
            raise ImageError("InvalidImageName", f'Failed to apply default image tag "{reference}"')
        present = await self._present(reference, announce)
        if policy == "Never" or (policy == "IfNotPresent" and present is not None):
            return self._use_present(reference, present, announce)
        self._check_backoff(pod, reference, announce)
        return await self._pull(pod, reference, announce)

    def forget(self, pod_uid: str) -> None:
        """Drop the back-off of a pod's images."""
        self._backoff.forget(pod_uid)
        for key in [key for key in self._reasons if key.startswith(pod_uid)]:
            del self._reasons[key]

    async def shown_id(self, image_id: str) -> str:
        """An image as a container's `imageID` shows it: by repository digest where it has one."""
        if image_id not in self._shown:
            image = await self._images.image_status(image_id)
            self._shown[image_id] = image.digests[0] if image is not None and image.digests else image_id
        return self._shown[image_id]

    async def _present(self, reference: str, announce: Announce) -> Image | None:
        try:
            parse(reference)
            return await self._images.image_status(reference)
        except InvalidImageName as error:
            message = f'Failed to apply default image tag "{reference}": {error}'
            announce("Warning", "InspectFailed", message)
            raise ImageError("InvalidImageName", message) from error
        except RuntimeFailure as error:
            message = f'Failed to inspect image "{reference}": {error}'
            announce("Warning", "InspectFailed", message)
            raise ImageError("ImageInspectError", message) from error

    def _use_present(self, reference: str, present: Image | None, announce: Announce) -> Image:
        if present is None:
            message = f'Container image "{reference}" is not present with pull policy of Never'
            announce("Warning", "ErrImageNeverPull", message)
            raise ImageError("ErrImageNeverPull", message)
        note = f'Container image "{reference}" already present on machine and can be accessed by the pod'
        announce("Normal", "Pulled", note)
        return present

    def _check_backoff(self, pod: Object, reference: str, announce: Announce) -> None:
        key, now = f"{uid_of(pod)}_{reference}", self._clock.now()
        left = self._backoff.left(key, now=now)
        if left > timedelta(0):
            message = f'Back-off pulling image "{reference}"'
            announce("Normal", "BackOff", message)
            cause = self._reasons.get(key)
            raise ImageError("ImagePullBackOff", f"{message}: {cause}" if cause else message, wait=left)

    async def _pull(self, pod: Object, reference: str, announce: Announce) -> Image:
        key = f"{uid_of(pod)}_{reference}"
        asked = self._clock.monotonic()
        announce("Normal", "Pulling", f'Pulling image "{reference}"')
        async with self._slots:
            began = self._clock.monotonic()
            try:
                image_id = await self._pull_with_logins(pod, reference)
            except RuntimeFailure as error:
                raise self._failed(key, reference, error, announce) from error
        image = await self._images.image_status(image_id)
        if image is None:
            raise ImageError("ErrImagePull", f'image "{reference}" vanished after it was pulled')
        self._backoff.reset(key)
        self._reasons.pop(key, None)
        took, waited = (_milliseconds(self._clock.monotonic() - start) for start in (began, asked))
        note = f'Successfully pulled image "{reference}" in {took} ({waited} including waiting). '
        announce("Normal", "Pulled", f"{note}Image size: {image.size} bytes.")
        return image

    async def _pull_with_logins(self, pod: Object, reference: str) -> str:
        """Try each login that fits, or none at all."""
        logins: list[Credentials | None] = [*await self._credentials.credentials(pod, reference)] or [None]
        for login in logins[:-1]:
            try:
                return await self._images.pull_image(reference, login)
            except RuntimeFailure:
                continue
        return await self._images.pull_image(reference, logins[-1])

    def _failed(self, key: str, reference: str, error: RuntimeFailure, announce: Announce) -> ImageError:
        announce("Warning", "Failed", f'Failed to pull image "{reference}": {error}')
        self._backoff.next(key, now=self._clock.now())
        self._reasons[key] = f"ErrImagePull: {error}"
        return ImageError("ErrImagePull", str(error), wait=self._backoff.wait(key))


def _milliseconds(seconds: float) -> str:
    return format_duration(timedelta(milliseconds=round(seconds * 1000)))
