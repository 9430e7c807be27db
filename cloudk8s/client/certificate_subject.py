"""Who a client certificate names: common name and organizations, read from its DER form.

TLS has verified the certificate already; this reads two attributes of its subject, without the library that could do
everything else, because that would be a sixth of the agent's memory.
"""

from __future__ import annotations

from collections.abc import Iterator

_VERSION = 0xA0
_COMMON_NAME, _ORGANIZATION = b"\x55\x04\x03", b"\x55\x04\x0a"
_BMP_STRING = 0x1E
_FIELDS_BEFORE_SUBJECT = 4
"""Serial number, signature algorithm, issuer, validity."""


def names(certificate: bytes) -> tuple[list[str], list[str]]:
    """Common names and organizations, in their order; ValueError where it is no certificate."""
    ((_, whole),) = list(_elements(certificate))[:1]
    (_, body), *_ = _elements(whole)
    fields = [element for element in _elements(body) if element[0] != _VERSION]
    subject = fields[_FIELDS_BEFORE_SUBJECT][1]
    found: dict[bytes, list[str]] = {_COMMON_NAME: [], _ORGANIZATION: []}
    for _, relative_name in _elements(subject):
        for _, attribute in _elements(relative_name):
            (_, identifier), (kind, value) = _elements(attribute)
            if identifier in found:
                found[identifier].append(value.decode("utf-16-be" if kind == _BMP_STRING else "utf-8"))
    return found[_COMMON_NAME], found[_ORGANIZATION]


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The tagged values that a constructed value holds."""
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise ValueError("the certificate is cut off")
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if at + length > len(data):
            raise ValueError("the certificate is cut off")
        yield tag, data[at : at + length]
        at += length
