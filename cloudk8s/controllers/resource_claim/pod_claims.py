"""Which ResourceClaims a pod uses: those it names, and those that were made for it, as its status tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, key, namespace_of, spec_of, status_of
from cloudk8s.controllers.pods import is_terminal

BY_RESOURCE_CLAIM: Final = "resource claim"
"""Name of the index made with `resource_claims_of`."""

Declared = Mapping[str, Any]
"""One entry of `spec.resourceClaims`."""


class NotMadeYet(LookupError):
    """The pod asks for a claim from a template, and its status does not tell of one."""


def declared_by(pod: Object) -> Sequence[Declared]:
    return spec_of(pod).get("resourceClaims") or ()


def is_from_template(declared: Declared) -> bool:
    return declared.get("resourceClaimTemplateName") is not None


def claim_name(pod: Object, declared: Declared) -> str | None:
    """The name of the claim; None where it was found that none is needed. Raises NotMadeYet."""
    if (name := declared.get("resourceClaimName")) is not None:
        return str(name)
    for made in status_of(pod).get("resourceClaimStatuses") or ():
        if made["name"] == declared["name"]:
            name = made.get("resourceClaimName")
            return None if name is None else str(name)
    raise NotMadeYet(declared["name"])


def resource_claims_of(pod: Object) -> Iterable[str]:
    """Index function: `NAMESPACE/NAME` of every claim that a pod uses, one made for extended resources too."""
    names = [made.get("resourceClaimName") for made in status_of(pod).get("resourceClaimStatuses") or ()]
    names += [declared.get("resourceClaimName") for declared in declared_by(pod)]
    names.append((status_of(pod).get("extendedResourceClaimStatus") or {}).get("resourceClaimName"))
    return [key(namespace_of(pod), name) for name in dict.fromkeys(names) if name]


def is_done(pod: Object) -> bool:
    """None of its containers runs, and none ever will."""
    return is_terminal(pod) or (is_deleting(pod) and not spec_of(pod).get("nodeName"))
