"""Names in Kubernetes' many shapes: each rule is a function from a value to messages, none meaning it is fine.

Texts and limits are those of `k8s.io/apimachinery/pkg/util/validation` (characters) and of
`k8s.io/apimachinery/pkg/api/validate/content` (bytes), which word the same limit differently.
"""

from __future__ import annotations

import re
from functools import lru_cache

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = _LABEL + r"(\." + _LABEL + ")*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_WILDCARD = r"\*\." + _SUBDOMAIN
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = "(" + _QUALIFIED + ")?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_PERCENT = "[0-9]+%"
_C_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_HTTP_HEADER = "[-A-Za-z0-9]+"
_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"

_match_label = re.compile(_LABEL).fullmatch
_match_subdomain = re.compile(_SUBDOMAIN).fullmatch
_match_label_1035 = re.compile(_LABEL_1035).fullmatch
_match_wildcard = re.compile(_WILDCARD).fullmatch
_match_qualified = re.compile(_QUALIFIED).fullmatch
_match_label_value = re.compile(_LABEL_VALUE).fullmatch
_match_config_key = re.compile(_CONFIG_KEY).fullmatch
_match_percent = re.compile(_PERCENT).fullmatch
_match_c_identifier = re.compile(_C_IDENTIFIER).fullmatch
_match_http_header = re.compile(_HTTP_HEADER).fullmatch
_match_path = re.compile(_PATH).fullmatch
_match_port_name = re.compile("[-a-z0-9]+").fullmatch
_search_letter = re.compile("[a-z]").search
_match_simple_env = re.compile("[A-Za-z_][A-Za-z0-9_]*").fullmatch

NON_NEGATIVE = "must be greater than or equal to 0"
IMMUTABLE = "field is immutable"
PORT_RANGE = "must be between 1 and 65535, inclusive"
ID_RANGE = "must be between 0 and 2147483647, inclusive"


def regex_message(message: str, pattern: str, *examples: str) -> str:
    """Upstream's `RegexError`: the rule, examples, the expression."""
    shown = " or ".join(f"'{example}', " for example in examples)
    given = f"e.g. {shown}" if examples else ""
    return f"{message} ({given}regex used for validation is '{pattern}')"


def at_most_characters(limit: int) -> str:
    return f"must be no more than {limit} characters"


def at_most_bytes(limit: int) -> str:
    return f"must be no more than {limit} bytes"


_LABEL_TEXT = regex_message(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character",
    _LABEL,
    "my-name",
    "123-abc",
)
_SUBDOMAIN_TEXT = regex_message(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character",
    _SUBDOMAIN,
    "example.com",
)
_LABEL_1035_TEXT = regex_message(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
    "start with an alphabetic character, and end with an alphanumeric character",
    _LABEL_1035,
    "my-name",
    "abc-123",
)
_WILDCARD_TEXT = regex_message(
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    _WILDCARD,
    "*.example.com",
)
_QUALIFIED_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_QUALIFIED_TEXT = regex_message(_QUALIFIED_RULE, _QUALIFIED, "MyName", "my.name", "123-abc")
_LABEL_VALUE_TEXT = regex_message(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character",
    _LABEL_VALUE,
    "MyValue",
    "my_value",
    "12345",
)
_CONFIG_KEY_TEXT = regex_message(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    _CONFIG_KEY,
    "key.name",
    "KEY_NAME",
    "key-name",
)


def dns_label(value: str) -> list[str]:
    """RFC 1123 label: namespaces, services, containers, volumes."""
    if len(value) <= 63 and _match_label(value):
        return []
    messages = [at_most_characters(63)] if _size(value) > 63 else []
    if not _match_label(value):
        messages.append("must not contain dots" if _match_subdomain(value) else _LABEL_TEXT)
    return messages


def dns_subdomain(value: str) -> list[str]:
    """RFC 1123 subdomain: what most objects' names are."""
    if len(value) <= 253 and _match_subdomain(value):
        return []
    messages = [at_most_characters(253)] if _size(value) > 253 else []
    return messages if _match_subdomain(value) else [*messages, _SUBDOMAIN_TEXT]


def dns_1035_label(value: str) -> list[str]:
    """RFC 1035 label: like an RFC 1123 label, but it starts with a letter."""
    messages = [at_most_characters(63)] if _size(value) > 63 else []
    return messages if _match_label_1035(value) else [*messages, _LABEL_1035_TEXT]


def wildcard_subdomain(value: str) -> list[str]:
    messages = [at_most_characters(253)] if _size(value) > 253 else []
    return messages if _match_wildcard(value) else [*messages, _WILDCARD_TEXT]


@lru_cache(maxsize=8192)
def is_qualified_name(value: str) -> bool:
    """Whether a label key, taint key, resource name … is well-formed; remembered, as few differ."""
    return not _qualified_name(value)


@lru_cache(maxsize=8192)
def is_label_value(value: str) -> bool:
    return len(value) <= 63 and _match_label_value(value) is not None


def qualified_name(value: str) -> list[str]:
    """A name with an optional DNS prefix: `app` or `example.com/app`."""
    return [] if is_qualified_name(value) else _qualified_name(value)


def label_value(value: str) -> list[str]:
    if is_label_value(value):
        return []
    messages = [at_most_bytes(63)] if _size(value) > 63 else []
    return messages if _match_label_value(value) else [*messages, _LABEL_VALUE_TEXT]


def config_map_key(value: str) -> list[str]:
    messages = [at_most_characters(253)] if _size(value) > 253 else []
    if not _match_config_key(value):
        messages.append(_CONFIG_KEY_TEXT)
    if value in (".", ".."):
        messages.append(f"must not be '{value}'")
    elif value.startswith(".."):
        messages.append("must not start with '..'")
    return messages


def environment_variable(value: str) -> list[str]:
    """The relaxed rule: anything printable in ASCII but `=`."""
    if _match_simple_env(value):
        return []
    if not value:
        return ["environment variable name must be non-empty"]
    if any(not " " <= letter <= "~" or letter == "=" for letter in value):
        return [
            "a valid environment variable name must consist only of printable ASCII characters other than '='",
        ]
    return []


def c_identifier(value: str) -> list[str]:
    if _match_c_identifier(value):
        return []
    return [
        regex_message(
            "a valid C identifier must start with alphabetic character or '_', "
            "followed by a string of alphanumeric characters or '_'",
            _C_IDENTIFIER,
            "my_name",
            "MY_NAME",
            "MyName",
        )
    ]


def port_number(value: int) -> list[str]:
    return [] if 1 <= value <= 65535 else [PORT_RANGE]


def port_name(value: str) -> list[str]:
    messages = [at_most_characters(15)] if _size(value) > 15 else []
    if not _match_port_name(value):
        messages.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not _search_letter(value):
        messages.append("must contain at least one letter (a-z)")
    if "--" in value:
        messages.append("must not contain consecutive hyphens")
    if value and (value[0] == "-" or value[-1] == "-"):
        messages.append("must not begin or end with a hyphen")
    return messages


def percent(value: str) -> list[str]:
    if _match_percent(value):
        return []
    rule = "a valid percent string must be a numeric string followed by an ending '%'"
    return [regex_message(rule, _PERCENT, "1%", "93%")]


def http_header(value: str) -> list[str]:
    if _match_http_header(value):
        return []
    rule = "a valid HTTP header must consist of alphanumeric characters or '-'"
    return [regex_message(rule, _HTTP_HEADER, "X-Header-Name")]


def path_segment(value: str) -> list[str]:
    """What may stand in a URL path: the weakest rule for a name."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{letter}'" for letter in "/%" if letter in value]


def path_segment_prefix(value: str) -> list[str]:
    return [f"may not contain '{letter}'" for letter in "/%" if letter in value]


def http_path(value: str) -> list[str]:
    return [] if _match_path(value) else [regex_message("Invalid path", _PATH)]


def without_trailing_dash(value: str) -> str:
    """A generateName as the name it may become: upstream's `maskTrailingDash`."""
    return value[:-1] + "a" if len(value) > 1 and value.endswith("-") else value


def _qualified_name(value: str) -> list[str]:
    prefix, slash, name = value.partition("/")
    messages: list[str] = []
    if not slash:
        name = prefix
    elif "/" in name:
        return [_QUALIFIED_KEY_TEXT]
    elif not prefix:
        messages.append("prefix part must be non-empty")
    else:
        if _size(prefix) > 253:
            messages.append("prefix part " + at_most_bytes(253))
        if not _match_subdomain(prefix):
            messages.append("prefix part " + _SUBDOMAIN_TEXT)
    if not name:
        messages.append("name part must be non-empty")
    elif _size(name) > 63:
        messages.append("name part " + at_most_bytes(63))
    if not _match_qualified(name):
        messages.append("name part " + _QUALIFIED_TEXT)
    return messages


_QUALIFIED_KEY_TEXT = (
    "a valid label key "
    + _QUALIFIED_TEXT
    + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)


def _size(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode())
