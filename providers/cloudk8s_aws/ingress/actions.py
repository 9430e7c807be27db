"""Actions of listeners and rules: as they are asked for, as AWS wants them sent, and as it tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s_aws.api import AwsApi, tag_list
from cloudk8s_aws.load_balancers.tagging import read_tags

OIDC = "authenticate-oidc"
SECRET_TAG = "cloudk8s.io/client-secret"
"""On a listener or rule: the mark of the secret that it was given, which AWS shows to nobody."""


def sent(actions: Sequence[Mapping[str, Any]], secrets: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """With secrets in place of their marks, and numbered where there are several."""
    filled = [_filled(action, secrets) for action in actions]
    return filled if len(filled) == 1 else [{**each, "Order": number} for number, each in enumerate(filled, start=1)]


def told(actions: Sequence[Mapping[str, Any]], mark: str) -> list[Mapping[str, Any]]:
    """In the words in which they were asked for."""
    plain = [plain_action(action) for action in sorted(actions, key=lambda action: int(action.get("Order") or 0))]
    return [_with_secret(action, mark) if action["Type"] == OIDC else action for action in plain]


def secret_tags(actions: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What to tag the listener or rule of these actions with."""
    mark = next((action["AuthenticateOidcConfig"]["ClientSecret"] for action in actions if action["Type"] == OIDC), "")
    return tag_list({SECRET_TAG: mark}) if mark else []


def read_marks(api: AwsApi, actions: Mapping[str, Sequence[Mapping[str, Any]]]) -> Mapping[str, str]:
    """The marks of listeners or rules by ARN; no call where nobody has to sign in by OIDC."""
    secured = [arn for arn, entries in actions.items() if any(entry.get("Type") == OIDC for entry in entries)]
    return {arn: tags.get(SECRET_TAG, "") for arn, tags in read_tags(api, secured).items()}


def mark_secret(api: AwsApi, arn: str, actions: Sequence[Mapping[str, Any]]) -> None:
    """Note which secret it has now."""
    if tags := secret_tags(actions):
        api.call("elbv2", "add_tags", ResourceArns=[arn], Tags=tags)


def plain_action(action: Mapping[str, Any]) -> Mapping[str, Any]:
    """An action as AWS tells it, in the words in which it was asked for."""
    kept = {name: value for name, value in action.items() if name not in ("Order", "TargetGroupArn")}
    if action.get("Type") == "forward":
        config = action.get("ForwardConfig") or {}
        groups = config.get("TargetGroups") or [{"TargetGroupArn": action.get("TargetGroupArn", "")}]
        plain = [{"TargetGroupArn": entry["TargetGroupArn"], "Weight": int(entry.get("Weight", 1))} for entry in groups]
        return {"Type": "forward", "ForwardConfig": {"TargetGroups": plain}}
    if action.get("Type") == "redirect":
        config = action.get("RedirectConfig") or {}
        fixed = {"Host": "#{host}", "Path": "/#{path}", "Query": "#{query}"}
        kept["RedirectConfig"] = {name: value for name, value in config.items() if fixed.get(name) != value}
    if action.get("Type") == "fixed-response":
        config = action.get("FixedResponseConfig") or {}
        kept["FixedResponseConfig"] = {name: value for name, value in config.items() if value}
    for name in ("AuthenticateOidcConfig", "AuthenticateCognitoConfig"):
        if name in kept:
            kept[name] = _plain_sign_in(kept[name])
    return kept


def _plain_sign_in(config: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in config.items() if value and name != "UseExistingClientSecret"}
    return plain | {"SessionTimeout": int(plain["SessionTimeout"])} if "SessionTimeout" in plain else plain


def _filled(action: Mapping[str, Any], secrets: Mapping[str, str]) -> Mapping[str, Any]:
    if action["Type"] != OIDC:
        return action
    return _with_secret(action, secrets[action["AuthenticateOidcConfig"]["ClientSecret"]])


def _with_secret(action: Mapping[str, Any], secret: str) -> Mapping[str, Any]:
    return {**action, "AuthenticateOidcConfig": {**action["AuthenticateOidcConfig"], "ClientSecret": secret}}
