"""`extenders` of a configuration. Upstream's names, upstream's defaults."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from cloudk8s.scheduler.configuration.fields import Duration, Model


class ManagedResource(Model):
    """A resource that an extender looks after."""

    name: str
    """The extended resource; pods that use it concern the extender."""
    ignored_by_scheduler: bool = False
    """Leave it to the extender whether a node has enough of it."""


class ExtenderTLS(Model):
    """How to trust an extender, and how it trusts us; data (base64) wins over files."""

    insecure: bool = False
    """Do not look at its certificate."""
    server_name: str = ""
    """The name in its certificate, if not its host."""
    cert_file: Path | None = None
    """Our certificate."""
    key_file: Path | None = None
    """Our key."""
    ca_file: Path | None = None
    """Who signs its certificate."""
    cert_data: str = ""
    """Our certificate, in PEM, in base64."""
    key_data: str = Field(default="", repr=False, exclude=True)
    """Our key, in PEM, in base64."""
    ca_data: str = ""
    """Who signs its certificate, in PEM, in base64."""


class ExtenderConfiguration(Model):
    """A program that is asked over HTTP. Verbs are added to `urlPrefix`; an empty one is not asked for."""

    url_prefix: str
    """Where it answers."""
    filter_verb: str = ""
    """Which nodes can take a pod."""
    preempt_verb: str = ""
    """Which pods may go for a pod."""
    prioritize_verb: str = ""
    """Which nodes are better: scores from 0 to 10."""
    weight: int = 0
    """What its scores are multiplied by."""
    bind_verb: str = ""
    """Bind pods, instead of the scheduler; one extender at most."""
    enable_https: bool = Field(default=False, validation_alias="enableHTTPS", serialization_alias="enableHTTPS")
    """Whether to speak HTTPS; without an authority any certificate is taken."""
    tls_config: ExtenderTLS | None = None
    """How to trust each other."""
    http_timeout: Duration = timedelta(seconds=5)
    """For one answer."""
    node_cache_capable: bool = False
    """It knows nodes and pods, and is sent names only."""
    managed_resources: tuple[ManagedResource, ...] = ()
    """Ask it about pods that use one of these; about all pods if there are none."""
    ignorable: bool = False
    """Go on without it when it fails."""

    @field_validator("url_prefix")
    @classmethod
    def _is_a_url(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("a URL with http:// or https:// is expected")
        return value

    @model_validator(mode="after")
    def _has_a_weight(self) -> ExtenderConfiguration:
        if self.prioritize_verb and self.weight <= 0:
            raise ValueError("weight: must be positive for an extender that prioritizes")
        if self.enable_https and self.url_prefix.startswith("http://"):
            raise ValueError("enableHTTPS: urlPrefix begins with http://")
        return self


def check(extenders: Sequence[ExtenderConfiguration]) -> None:
    """Raise ValueError for what extenders must not do together."""
    if sum(bool(extender.bind_verb) for extender in extenders) > 1:
        raise ValueError("only one extender can bind pods")
    names = [resource.name for extender in extenders for resource in extender.managed_resources]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"managedResources: {repeated!r} is managed twice")


def ignored_resources(extenders: Sequence[ExtenderConfiguration]) -> list[str]:
    """What the scheduler does not look at."""
    managed = [resource for extender in extenders for resource in extender.managed_resources]
    return [resource.name for resource in managed if resource.ignored_by_scheduler]
