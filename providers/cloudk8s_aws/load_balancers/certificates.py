"""Certificates of one listener: the first is its own, the others are chosen by the name that a client asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s_aws.api import AwsApi


def certificates_of(api: AwsApi, listener: Mapping[str, Any]) -> list[str]:
    """All certificates of a listener, its own first."""
    own = [entry["CertificateArn"] for entry in listener.get("Certificates") or ()][:1]
    return in_order([*own, *_more(api, listener["ListenerArn"])])


def in_order(certificates: Sequence[str]) -> list[str]:
    """The first stays the first; the order of the others means nothing."""
    return list(dict.fromkeys([*certificates[:1], *sorted(certificates[1:])]))


def set_more_certificates(api: AwsApi, listener: str, wanted: Sequence[str]) -> None:
    """Add and remove what is not the listener's own."""
    if not wanted:
        return
    present = set(_more(api, listener))
    if added := sorted(set(wanted[1:]) - present):
        api.call("elbv2", "add_listener_certificates", ListenerArn=listener, Certificates=_named(added))
    if removed := sorted(present - set(wanted)):
        api.call("elbv2", "remove_listener_certificates", ListenerArn=listener, Certificates=_named(removed))


def _more(api: AwsApi, listener: str) -> list[str]:
    found = api.pages("elbv2", "describe_listener_certificates", "Certificates", ListenerArn=listener)
    return [entry["CertificateArn"] for entry in found if not entry.get("IsDefault")]


def _named(arns: Sequence[str]) -> list[dict[str, str]]:
    return [{"CertificateArn": arn} for arn in arns]
