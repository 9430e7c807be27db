"""The file of `--image-credential-provider-config`: a `CredentialProviderConfig` of `kubelet.config.k8s.io/v1`."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from cloudk8s.errors import SettingsError
from cloudk8s.machinery.times import parse_duration

NAME = re.compile(r"[^/\s]+")


def _duration(given: object) -> object:
    return parse_duration(given) if isinstance(given, str) else given


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class EnvironmentVariable(_Model):
    """One more variable of the program's environment."""

    name: str = Field(min_length=1)
    value: str = ""


class TokenAttributes(_Model):
    """Have the program act for a pod's service account (KEP-4412)."""

    service_account_token_audience: str = Field(min_length=1)
    cache_type: Literal["ServiceAccount", "Token"]
    require_service_account: bool
    required_service_account_annotation_keys: tuple[str, ...] = ()
    optional_service_account_annotation_keys: tuple[str, ...] = ()


class CredentialProvider(_Model):
    """A program that tells logins, and the images that it is asked for."""

    name: str
    """Of the program's file in the directory of programs."""
    match_images: tuple[str, ...] = Field(min_length=1)
    default_cache_duration: Annotated[timedelta, BeforeValidator(_duration)]
    api_version: Literal["credentialprovider.kubelet.k8s.io/v1"]
    args: tuple[str, ...] = ()
    env: tuple[EnvironmentVariable, ...] = ()
    token_attributes: TokenAttributes | None = None

    @model_validator(mode="after")
    def _is_sound(self) -> CredentialProvider:
        if not NAME.fullmatch(self.name) or self.name in (".", ".."):
            raise ValueError(f"{self.name!r} is not the name of a file")
        if self.default_cache_duration < timedelta(0):
            raise ValueError("defaultCacheDuration must not be negative")
        return self


class CredentialProviderConfig(_Model):
    """The whole file."""

    api_version: Literal["kubelet.config.k8s.io/v1"]
    kind: Literal["CredentialProviderConfig"]
    providers: tuple[CredentialProvider, ...] = Field(min_length=1)


def read_configuration(path: Path, programs: Path) -> tuple[CredentialProvider, ...]:
    """The providers of a file. SettingsError where it can't be read, is not valid, or a program is missing."""
    try:
        config = CredentialProviderConfig.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: {error}") from error
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise SettingsError(f"{path}: {found}") from error
    names = [provider.name for provider in config.providers]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"{path}: two providers are named {name}")
        if not (programs / name).is_file():
            raise SettingsError(
                f"{path}: there is no program {name} in {programs} (--image-credential-provider-bin-dir)"
            )
    return config.providers
