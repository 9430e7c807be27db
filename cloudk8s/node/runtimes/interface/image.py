"""Images of this host, and who may fetch them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Image:
    """An image on this host. `id` is the digest of its configuration."""

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    """Repository digests, `name@sha256:…`."""
    size: int = 0
    user: str = ""
    """User of the image's configuration, numeric or a name; empty is root."""
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to log in to a registry; all empty is anonymous."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""


@dataclass(frozen=True, slots=True)
class FilesystemUsage:
    """Use of one file system at one time."""

    mountpoint: str
    used_bytes: int
    inodes_used: int = 0


class ImageService(Protocol):
    """The images of this host."""

    async def list_images(self) -> Sequence[Image]:
        """All images."""

    async def image_status(self, reference: str) -> Image | None:
        """The image of a reference or id; None where it is absent."""

    async def pull_image(self, reference: str, credentials: Credentials | None = None) -> str:
        """Fetch an image and return its id; a complete image is not fetched twice."""

    async def remove_image(self, reference: str) -> None:
        """Forget an image; absent is success. Running containers keep what they need."""

    async def image_filesystem(self) -> FilesystemUsage:
        """How much room images take."""
