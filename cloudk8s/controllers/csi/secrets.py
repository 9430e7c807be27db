"""Secrets for calls of a driver; their values go nowhere else."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from cloudk8s.client.interface import Client
from cloudk8s.client.resources import SECRETS


async def read_secret(client: Client, reference: Mapping[str, str] | None) -> Mapping[str, str]:
    """The values of a secret; none for no reference."""
    if not reference:
        return {}
    found = await client.get(SECRETS, reference["name"], namespace=reference["namespace"])
    return {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}
