"""DNS settings and host aliases of a pod."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import invalid, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.addresses import check_ip
from cloudk8s.api.validation.values import Errors, check_rule

POLICIES: Final = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_MAX_SERVERS: Final = 3
_MAX_SEARCHES: Final = 32
_MAX_SEARCH_CHARACTERS: Final = 2048
_LABEL: Final = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SEARCH: Final = rf"{_LABEL}(\.{_LABEL})*"
_match_search = re.compile(_SEARCH).fullmatch


def check_dns(errors: Errors, path: str, config: Mapping[str, Any] | None, policy: str) -> None:
    if policy == "None":
        if config is None:
            errors.append(required(path, "must provide `dnsConfig` when `dnsPolicy` is None"))
            return
        if not config.get("nameservers"):
            text = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            errors.append(required(f"{path}.nameservers", text))
            return
    if config is not None:
        _check_config(errors, path, config)


def check_host_aliases(errors: Errors, path: str, aliases: Sequence[Mapping[str, Any]]) -> None:
    for index, alias in enumerate(aliases):
        check_ip(errors, f"{path}[{index}].ip", alias.get("ip") or "")
        for position, name in enumerate(alias.get("hostnames") or ()):
            check_rule(errors, f"{path}[{index}].hostnames[{position}]", name, names.dns_subdomain)


def _check_config(errors: Errors, path: str, config: Mapping[str, Any]) -> None:
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    if len(servers) > _MAX_SERVERS:
        text = f"must not have more than {_MAX_SERVERS} nameservers"
        errors.append(invalid(f"{path}.nameservers", servers, text))
    for index, server in enumerate(servers):
        check_ip(errors, f"{path}.nameservers[{index}]", server)
    if len(searches) > _MAX_SEARCHES:
        text = f"must not have more than {_MAX_SEARCHES} search paths"
        errors.append(invalid(f"{path}.searches", searches, text))
    if len(" ".join(searches)) > _MAX_SEARCH_CHARACTERS:
        text = f"must not have more than {_MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list"
        errors.append(invalid(f"{path}.searches", searches, text))
    for index, search in enumerate(searches):
        if search != ".":
            check_rule(errors, f"{path}.searches[{index}]", search.removesuffix("."), _search_rule)
    for index, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            errors.append(required(f"{path}.options[{index}]", "must not be empty"))


def _search_rule(value: str) -> list[str]:
    """A subdomain in which underscores are tolerated."""
    messages = [names.at_most_characters(253)] if len(value) > 253 else []
    if not _match_search(value):
        rule = (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', "
            "and must start and end with an alphanumeric character"
        )
        messages.append(names.regex_message(rule, _SEARCH, "example.com"))
    return messages
