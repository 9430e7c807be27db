"""NetworkPolicies."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.address_warnings import cidr_warnings
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.validation.network.network_policy import check_network_policy_spec


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

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_network_policy_spec(errors, obj["spec"])

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        warnings = []
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for index, rule in enumerate(new["spec"].get(direction) or ()):
                for position, peer in enumerate(rule.get(peers) or ()):
                    path = f"spec.{direction}[{index}].{peers}[{position}].ipBlock"
                    warnings += _block_warnings(path, peer.get("ipBlock") or {})
        return warnings


def _block_warnings(path: str, block: Object) -> list[str]:
    warnings = cidr_warnings(f"{path}.cidr", block.get("cidr") or "")
    for index, value in enumerate(block.get("except") or ()):
        warnings += cidr_warnings(f"{path}.except[{index}]", value)
    return warnings
