"""Resource claims of a pod."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.api.field_errors import duplicate, invalid, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.values import Errors, check_rule


def check_claim_names(errors: Errors, path: str, claims: Sequence[Mapping[str, Any]]) -> None:
    """Resource claims of the pod, that its containers refer to."""
    taken: set[str] = set()
    for index, claim in enumerate(claims):
        item, name = f"{path}[{index}]", claim.get("name") or ""
        if not name:
            errors.append(required(f"{item}.name"))
        elif name in taken:
            errors.append(duplicate(f"{item}.name", name))
        else:
            check_rule(errors, f"{item}.name", name, names.dns_label)
            taken.add(name)
        own, template = claim.get("resourceClaimName"), claim.get("resourceClaimTemplateName")
        if own is not None and template is not None:
            text = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            errors.append(invalid(item, go_json(claim, "PodResourceClaim"), text))
        if own is None and template is None:
            text = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            errors.append(invalid(item, go_json(claim, "PodResourceClaim"), text))
        for key, value in (("resourceClaimName", own), ("resourceClaimTemplateName", template)):
            if value is not None:
                check_rule(errors, f"{item}.{key}", value, names.dns_subdomain)
