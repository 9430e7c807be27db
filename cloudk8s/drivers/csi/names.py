"""What volumes and attachments of drivers are called, the same by every component. Pure."""

from __future__ import annotations

import hashlib


def attachment_name(handle: str, driver: str, node: str) -> str:
    """The name of the VolumeAttachment of a volume and a node."""
    return f"csi-{hashlib.sha256(f'{handle}{driver}{node}'.encode()).hexdigest()}"


def unique_name(driver: str, handle: str) -> str:
    """What a volume is called in a node's status."""
    return f"kubernetes.io/csi/{driver}^{handle}"
