"""Which registry an image is in, and which region that is. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

PUBLIC_HOSTS = ("public.ecr.aws", "ecr-public.aws.com")
PUBLIC_REGION = "us-east-1"
SUFFIXES = (
    "amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "sc2s.sgov.gov", "c2s.ic.gov", "cloud.adc-e.uk",
    "csp.hci.ic.gov", "on.aws", "on.amazonwebservices.com.cn",
)  # fmt: skip
"""Domains of AWS's partitions, dual-stack ones too."""
_PRIVATE = re.compile(
    r"^(\d{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9][a-z0-9_-]*)\.(?:" + "|".join(map(re.escape, SUFFIXES)) + r")$"
)


@dataclass(frozen=True, slots=True)
class Registry:
    """Where an image is. `region` is empty where the host does not tell."""

    host: str
    region: str = ""
    account: str = ""
    is_public: bool = False


def registry_of(image: str) -> Registry:
    """The registry of an image's name."""
    host = image.partition("://")[2] or image
    host = host.partition("/")[0].lower()
    if host in PUBLIC_HOSTS:
        return Registry(host, PUBLIC_REGION, is_public=True)
    if match := _PRIVATE.match(host):
        return Registry(host, match.group(3), match.group(1))
    return Registry(host)
