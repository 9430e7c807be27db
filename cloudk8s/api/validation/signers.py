"""Names of certificate signers: `example.com/my-signer`."""

from __future__ import annotations

from cloudk8s.api.field_errors import invalid, required, too_long
from cloudk8s.api.validation import names
from cloudk8s.api.validation.values import Errors

_WANTED = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
_MAX_PATH = 253
_MAX_NAME = 253 + 1 + 253 + 1 + 63


def check_signer_name(errors: Errors, path: str, name: str) -> None:
    if not name:
        errors.append(required(path))
        return
    domain, slash, rest = name.partition("/")
    if not slash or "/" in rest:
        errors.append(invalid(path, name, _WANTED))
        return
    if len(name) > _MAX_NAME:
        errors.append(too_long(path, _MAX_NAME))
    for text in names.dns_subdomain(domain):
        errors.append(invalid(path, domain, f'validating label "{domain}": {text}'))
    if len(domain.split(".")) < 2:
        errors.append(invalid(path, domain, "should be a domain with at least two segments separated by dots"))
    for text in names.dns_subdomain(rest):
        errors.append(invalid(path, rest, f'validating label "{rest}": {text}'))
