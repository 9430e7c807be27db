"""Read a configuration, and say clearly what is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cloudk8s.errors import SettingsError
from cloudk8s.machinery import yaml_codec
from cloudk8s.scheduler.configuration.model import API_VERSION, SchedulerConfiguration


def load_configuration(path: Path) -> SchedulerConfiguration:
    """A file in YAML or JSON. Raises SettingsError."""
    found = yaml_codec.read_settings(path)
    if not isinstance(found, dict):
        raise SettingsError(f"{path}: a KubeSchedulerConfiguration is expected")
    return parse_configuration(found, source=str(path))


def parse_configuration(found: Mapping[str, Any], *, source: str = "configuration") -> SchedulerConfiguration:
    """A configuration from its decoded form. Raises SettingsError that names the field."""
    version = found.get("apiVersion")
    if version != API_VERSION:
        raise SettingsError(f"{source}: apiVersion: {version!r} is not served; use {API_VERSION}")
    try:
        configuration = SchedulerConfiguration.model_validate(dict(found))
    except ValidationError as error:
        raise SettingsError(f"{source}: {_explained(error)}") from error
    names = [profile.scheduler_name for profile in configuration.profiles]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise SettingsError(f"{source}: profiles: schedulerName {repeated!r} is there twice")
    return configuration


def _explained(error: ValidationError) -> str:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    hint = ""
    if first["type"] == "extra_forbidden":
        names = [str(info.validation_alias or name) for name, info in SchedulerConfiguration.model_fields.items()]
        near = difflib.get_close_matches(str(first["loc"][-1]), names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{field}: {first['msg']}{hint}"
