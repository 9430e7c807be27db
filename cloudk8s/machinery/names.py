"""Names: making them up, and telling what is wrong with them in upstream's words.

Each `is_…` function of upstream's `validation` package is here a function from a text to a list of messages, empty when
the text is right.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from typing import Final, TypeAlias

NameRule: TypeAlias = Callable[[str], list[str]]

_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH: Final = 5
_SUFFIXES: Final = len(_ALPHABET) ** _SUFFIX_LENGTH

_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035: Final = "[a-z]([-a-z0-9]*[a-z0-9])?"
_WILDCARD: Final = rf"\*\.{_SUBDOMAIN}"
_QUALIFIED: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE: Final = f"({_QUALIFIED})?"
_CONFIG_KEY: Final = "[-._a-zA-Z0-9]+"
_ENV_NAME: Final = "[-._a-zA-Z][-._a-zA-Z0-9]*"
_HTTP_HEADER: Final = "[-A-Za-z0-9]+"
_C_IDENTIFIER: Final = "[A-Za-z_][A-Za-z0-9_]*"
_PERCENT: Final = "[0-9]+%"


def generate_name(base: str, *, max_length: int = 63) -> str:
    """`base`, cut where needed, with five random characters that cannot spell a word."""
    number, suffix = int(random.random() * _SUFFIXES), ""  # a name is no secret
    for _ in range(_SUFFIX_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        suffix += _ALPHABET[digit]
    return base[: max_length - _SUFFIX_LENGTH] + suffix


def new_uid() -> str:
    """A fresh object uid: a random UUID, version 4. The library's takes twice as long, and every creation asks."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def dns_label(value: str) -> list[str]:
    """RFC 1123 label: namespaces, container names, volumes."""
    errors = _too_long(value, 63, "characters")
    if _matches(_LABEL, value):
        return errors
    return [*errors, "must not contain dots" if _matches(_SUBDOMAIN, value) else _LABEL_MESSAGE]


def dns_subdomain(value: str) -> list[str]:
    """RFC 1123 subdomain: the name of most kinds."""
    return _pattern(value, _SUBDOMAIN, _SUBDOMAIN_MESSAGE, 253)


def dns_1035_label(value: str) -> list[str]:
    """RFC 1035 label: starts with a letter."""
    return _pattern(value, _LABEL_1035, _LABEL_1035_MESSAGE, 63)


def wildcard_dns_subdomain(value: str) -> list[str]:
    """`*.example.com`."""
    return _pattern(value, _WILDCARD, _WILDCARD_MESSAGE, 253)


def label_key(value: str) -> list[str]:
    """Qualified name: label and annotation keys, `prefix/name` or `name`."""
    prefix, slash, name = value.partition("/")
    if not slash:
        return _qualified_name(value)
    if "/" in name:
        return [_LABEL_KEY_MESSAGE]
    if not prefix:
        errors = ["prefix part must be non-empty"]
    else:
        errors = [f"prefix part {message}" for message in dns_subdomain(prefix)]
    return errors + _qualified_name(name)


def label_value(value: str) -> list[str]:
    errors = _too_long(value, 63, "bytes")
    return errors if _matches(_LABEL_VALUE, value) else [*errors, _LABEL_VALUE_MESSAGE]


def config_key(value: str) -> list[str]:
    """A key of a ConfigMap or Secret."""
    errors = _pattern(value, _CONFIG_KEY, _CONFIG_KEY_MESSAGE, 253)
    return errors + _directory_prefix(value)


def environment_name(value: str) -> list[str]:
    """An environment variable's name by the strict rule."""
    return _pattern(value, _ENV_NAME, _ENV_NAME_MESSAGE) + _directory_prefix(value)


def relaxed_environment_name(value: str) -> list[str]:
    """An environment variable's name: printable ASCII but `=`."""
    if not value:
        return ["environment variable name must be non-empty"]
    is_printable = all(" " <= char <= "~" and char != "=" for char in value)
    message = "a valid environment variable name must consist only of printable ASCII characters other than '='"
    return [] if is_printable else [message]


def port_name(value: str) -> list[str]:
    """An IANA service name: lower case letters, digits and single hyphens, 15 at most."""
    errors = _too_long(value, 15, "characters")
    if not _matches("[-a-z0-9]+", value):
        errors.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not any("a" <= char <= "z" for char in value):
        errors.append("must contain at least one letter (a-z)")
    if "--" in value:
        errors.append("must not contain consecutive hyphens")
    if value.startswith("-") or value.endswith("-"):
        errors.append("must not begin or end with a hyphen")
    return errors


def path_segment(value: str) -> list[str]:
    """A name that only has to fit in a URL path: RBAC objects and custom subjects."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{char}'" for char in ("/", "%") if char in value]


def path_segment_prefix(value: str) -> list[str]:
    """The same for `generateName`, to which something is still appended."""
    return [f"may not contain '{char}'" for char in ("/", "%") if char in value]


def port_number(value: int) -> list[str]:
    return in_range(value, 1, 65535)


def in_range(value: int, minimum: int, maximum: int) -> list[str]:
    return [] if minimum <= value <= maximum else [f"must be between {minimum} and {maximum}, inclusive"]


def percent(value: str) -> list[str]:
    return _pattern(value, _PERCENT, _PERCENT_MESSAGE)


def http_header_name(value: str) -> list[str]:
    return _pattern(value, _HTTP_HEADER, _HTTP_HEADER_MESSAGE)


def c_identifier(value: str) -> list[str]:
    return _pattern(value, _C_IDENTIFIER, _C_IDENTIFIER_MESSAGE)


def prefix_rule(rule: NameRule) -> NameRule:
    """The rule for a `generateName`: the same, but the base may end in a dash."""

    def check(value: str) -> list[str]:
        return rule(value[:-2] + "a" if len(value) > 1 and value.endswith("-") else value)

    return check


def _qualified_name(name: str) -> list[str]:
    errors = [] if name else ["name part must be non-empty"]
    errors += [f"name part {message}" for message in _too_long(name, 63, "bytes")]
    return errors if _matches(_QUALIFIED, name) else [*errors, _NAME_PART_MESSAGE]


def _pattern(value: str, pattern: str, message: str, limit: int | None = None) -> list[str]:
    errors = _too_long(value, limit, "characters") if limit else []
    return errors if _matches(pattern, value) else [*errors, message]


def _too_long(value: str, limit: int, unit: str) -> list[str]:
    too_long = len(value) > limit or (not value.isascii() and len(value.encode()) > limit)
    return [f"must be no more than {limit} {unit}"] if too_long else []


def _directory_prefix(value: str) -> list[str]:
    if value in (".", ".."):
        return [f"must not be '{value}'"]
    return ["must not start with '..'"] if value.startswith("..") else []


def _matches(pattern: str, value: str) -> bool:
    return re.fullmatch(pattern, value) is not None


def _message(text: str, pattern: str, *examples: str) -> str:
    shown = "".join(
        f"'{example}', {'' if index == len(examples) - 1 else ' or '}" for index, example in enumerate(examples)
    )
    return f"{text} (e.g. {shown}regex used for validation is '{pattern}')"


_LABEL_MESSAGE: Final = _message(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with"
    " an alphanumeric character",
    _LABEL, "my-name", "123-abc",
)  # fmt: skip
_SUBDOMAIN_MESSAGE: Final = _message(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    " end with an alphanumeric character",
    _SUBDOMAIN, "example.com",
)  # fmt: skip
_LABEL_1035_MESSAGE: Final = _message(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character,"
    " and end with an alphanumeric character",
    _LABEL_1035, "my-name", "abc-123",
)  # fmt: skip
_WILDCARD_MESSAGE: Final = _message(
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower"
    " case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    _WILDCARD, "*.example.com",
)  # fmt: skip
_QUALIFIED_TEXT: Final = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_NAME_PART_MESSAGE: Final = _message(f"name part {_QUALIFIED_TEXT}", _QUALIFIED, "MyName", "my.name", "123-abc")
_LABEL_KEY_MESSAGE: Final = (
    _message(f"a valid label key {_QUALIFIED_TEXT}", _QUALIFIED, "MyName", "my.name", "123-abc")
    + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)
_LABEL_VALUE_MESSAGE: Final = _message(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and"
    " end with an alphanumeric character",
    _LABEL_VALUE, "MyValue", "my_value", "12345",
)  # fmt: skip
_CONFIG_KEY_MESSAGE: Final = _message(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    _CONFIG_KEY, "key.name", "KEY_NAME", "key-name",
)  # fmt: skip
_ENV_NAME_MESSAGE: Final = _message(
    "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not"
    " start with a digit",
    _ENV_NAME, "my.env-name", "MY_ENV.NAME", "MyEnvName1",
)  # fmt: skip
_PERCENT_MESSAGE: Final = _message(
    "a valid percent string must be a numeric string followed by an ending '%'", _PERCENT, "1%", "93%"
)
_HTTP_HEADER_MESSAGE: Final = _message(
    "a valid HTTP header must consist of alphanumeric characters or '-'", _HTTP_HEADER, "X-Header-Name"
)
_C_IDENTIFIER_MESSAGE: Final = _message(
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters"
    " or '_'",
    _C_IDENTIFIER, "my_name", "MY_NAME", "MyName",
)  # fmt: skip
