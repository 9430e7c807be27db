"""NetworkPolicies."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of


class NetworkPolicyStrategy(BuiltinStrategy):
    """The NetworkPolicy kind: policy types follow from the rules that are there."""

    has_generation = True

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        for direction in ("ingress", "egress"):
            for rule in spec.get(direction) or ():
                for port in rule.get("ports") or ():
                    port.setdefault("protocol", "TCP")
        if not spec.get("policyTypes"):
            spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
