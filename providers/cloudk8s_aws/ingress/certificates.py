"""Certificates of the account by the names that they are for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cloudk8s.plugin import Unsupported
from cloudk8s_aws.api import AwsApi

FIELD = "metadata.annotations[alb.ingress.kubernetes.io/certificate-arn]"


def find_certificates(api: AwsApi, hosts: Sequence[str]) -> tuple[str, ...]:
    """One certificate for each host, as few as will do. Raises Unsupported for a host that none is for."""
    issued = api.pages("acm", "list_certificates", "CertificateSummaryList", CertificateStatuses=["ISSUED"])
    return choose(hosts, issued)


def choose(hosts: Sequence[str], certificates: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Pure: exact names win over wildcards."""
    if not hosts:
        raise Unsupported(FIELD, "an HTTPS listener needs a certificate: name one, or hosts in spec.tls")
    names = {entry["CertificateArn"]: _names(entry) for entry in certificates}
    chosen: list[str] = []
    for host in hosts:
        fitting = sorted(
            (arn for arn in names if _rank(host, names[arn])), key=lambda arn: (-_rank(host, names[arn]), arn)
        )
        if not fitting:
            raise Unsupported(FIELD, f"the account has no certificate for {host}")
        chosen.append(fitting[0])
    return tuple(dict.fromkeys(chosen))


def _names(certificate: Mapping[str, Any]) -> frozenset[str]:
    return frozenset([certificate.get("DomainName", ""), *(certificate.get("SubjectAlternativeNameSummaries") or ())])


def _rank(host: str, names: Iterable[str]) -> int:
    """2 for the very name, 1 for a wildcard that covers it, 0 for neither."""
    known = set(names)
    if host in known:
        return 2
    return int(f"*.{host.partition('.')[2]}" in known)
