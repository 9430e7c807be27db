"""An image as a container needs it: what to run, and the layers to run it in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cloudk8s.node.runtimes.interface import Image

HOST = "host"
HOST_ID = "sha256:" + "0" * 64


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """The `config` part of an image's configuration."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    working_dir: str = ""
    user: str = ""
    stop_signal: str = ""
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageRoot:
    """An image ready to run; `layers` from the lowest up, None for the host's own file system."""

    id: str
    config: ImageConfig
    layers: tuple[Path, ...] | None


HOST_ROOT = ImageRoot(HOST_ID, ImageConfig(), None)
HOST_IMAGE = Image(id=HOST_ID, tags=(f"{HOST}:latest",), digests=(f"{HOST}@{HOST_ID}",), pinned=True)


def is_host(reference: str) -> bool:
    """Whether a reference means the host's own file system."""
    return reference in (HOST, f"{HOST}:latest", HOST_ID, f"docker.io/library/{HOST}:latest")
