"""Attributes of load balancers and target groups, each a property of its own: `attribute:<key>`.

So only those that are wanted are compared, and those that people set by hand stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s_aws.api import AwsApi

PREFIX = "attribute:"


def read_attributes(api: AwsApi, operation: str, **parameters: str) -> dict[str, str]:
    """All attributes of one resource."""
    listed = api.call("elbv2", operation, **parameters)["Attributes"]
    return {entry["Key"]: entry.get("Value", "") for entry in listed}


def attributes_of(attributes: Mapping[str, str]) -> dict[str, str]:
    """Attributes as properties."""
    return {f"{PREFIX}{key}": value for key, value in attributes.items()}


def changed_attributes(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> list[dict[str, str]]:
    """What to write, in AWS's form."""
    return [
        {"Key": name.removeprefix(PREFIX), "Value": str(value)}
        for name, value in sorted(wanted.items())
        if name.startswith(PREFIX) and present.get(name) != value
    ]
