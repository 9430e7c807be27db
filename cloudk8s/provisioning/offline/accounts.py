"""Settings that lead a provider to an account that lives on between commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from cloudk8s.controlplane.directories import home
from cloudk8s.errors import SettingsError
from cloudk8s.provisioning.offline.process import start


def account_settings(
    provider: str, model: type[BaseModel], settings: Mapping[str, Any], *, offline: bool
) -> dict[str, Any]:
    """The provider's settings, completed.

    A provider whose settings have `state_file` keeps its account in a file of this user. One whose settings have
    `offline` and `endpoint_url` is led to the emulator, which is started if need be.
    """
    fields = model.model_fields
    completed = dict(settings)
    if "state_file" in fields and "state_file" not in completed:
        path = home() / ".offline" / f"{provider}.json"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        completed["state_file"] = str(path)
    if offline and "endpoint_url" in fields and "offline" in fields:
        completed |= {"offline": True, "endpoint_url": start().url}
    elif offline and "emulator" in fields and "driver" in fields:
        completed = _driven(start().url) | completed
    elif offline and "state_file" not in fields:
        raise SettingsError(f"provider {provider!r} has no emulated account; leave --offline out")
    return completed


def _driven(url: str) -> dict[str, Any]:
    """A driver of a library led to the emulator."""
    place = urlsplit(url)
    options = {"host": place.hostname, "port": place.port, "secure": False, "signature_version": "4"}
    return {
        "driver": "ec2", "key": "test", "secret": "test", "emulator": True, "image": "ami-12345678", "size": "t3.small",
        "options": {**options, "region": "us-east-1"},
    }  # fmt: skip
