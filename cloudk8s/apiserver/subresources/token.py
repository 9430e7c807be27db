"""`serviceaccounts/NAME/token`: issue a token for a service account (TokenRequest)."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, Final

from cloudk8s.api.field_errors import FieldError, invalid
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.authentication.service_account import Grant, Reference, ServiceAccountTokens
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.handlers.intake import Intake
from cloudk8s.apiserver.handlers.write_options import read_write_options
from cloudk8s.apiserver.http.interface import Answer, Request
from cloudk8s.apiserver.negotiation import PLAIN
from cloudk8s.apiserver.presenting import document
from cloudk8s.apiserver.subresources.admitting import admit_posted
from cloudk8s.errors import BadRequest, Conflict
from cloudk8s.machinery.times import format_time

_HOUR: Final = 3600
_MOUNTED: Final = 3607
"""The lifetime that the ServiceAccount admission plugin asks for; such tokens are stretched to a year."""
_YEAR: Final = timedelta(days=365)
_BINDABLE: Final = {"Pod": ("pods", "v1"), "Secret": ("secrets", "v1"), "Node": ("nodes", "v1")}


class TokenHandler:
    """POST of a TokenRequest."""

    def __init__(self, core: Core, tokens: ServiceAccountTokens) -> None:
        self._core = core
        self._tokens = tokens

    def handle(
        self, context: RequestContext, request: Request, resource: ResourceType, verb: str
    ) -> Answer | Awaitable[Answer]:
        """Issue a token; answers 201 with the TokenRequest."""
        return self._issue(context, request, resource)

    async def _issue(self, context: RequestContext, request: Request, resource: ResourceType) -> Answer:
        options = read_write_options(context, "CreateOptions")
        review = Intake(self._core, context, _request_type(self._core)).read(request.body)
        info = context.info
        account = self._core.find("", "serviceaccounts", info.name, info.namespace)
        if account is None:
            raise failures.not_found(resource, info.name)
        spec: dict[str, Any] = review.get("spec") or {}
        if spec.get("expirationSeconds") is None:
            spec["expirationSeconds"] = _HOUR
        self._core.fields.on_review(context, _request_type(self._core), review | {"spec": spec}, "token")
        if not spec.get("audiences"):
            spec["audiences"] = [self._tokens.issuer]
        seconds = spec["expirationSeconds"]
        _check(seconds)
        await admit_posted(self._core, context, resource, review | {"spec": spec}, options)
        bound = self._bound(spec.get("boundObjectRef"), info.namespace)
        stretched = seconds == _MOUNTED and bound.get("pod") is not None
        metadata = account["metadata"]
        grant = Grant(
            namespace=info.namespace,
            service_account=Reference(metadata["name"], metadata["uid"]),
            audiences=tuple(spec["audiences"]),
            lifetime=_YEAR if stretched else timedelta(seconds=seconds),
            warn_after=timedelta(seconds=seconds) if stretched else None,
            **bound,
        )
        token, expires = self._tokens.issue(grant)
        answer: Object = {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {
                "name": metadata["name"],
                "namespace": info.namespace,
                "uid": metadata["uid"],
                "creationTimestamp": format_time(self._core.clock.now()),
            },
            "spec": {**spec, "boundObjectRef": spec.get("boundObjectRef")},
            "status": {"token": token, "expirationTimestamp": format_time(expires)},
        }
        if managed := review["metadata"].get("managedFields"):
            answer["metadata"]["managedFields"] = managed
        return document(answer, PLAIN, 201)

    def _bound(self, reference: dict[str, Any] | None, namespace: str) -> dict[str, Reference]:
        if not reference:
            return {}
        kind, version = reference.get("kind", ""), reference.get("apiVersion", "")
        if kind not in _BINDABLE or _BINDABLE[kind][1] != version:
            group, _, plain = version.rpartition("/")
            raise BadRequest(f"cannot bind token to object of type {group}/{plain}, Kind={kind}")
        plural, name = _BINDABLE[kind][0], reference.get("name", "")
        found = self._core.find("", plural, name, "" if kind == "Node" else namespace)
        if found is None:
            raise failures.not_found(self._core.resource("", plural), name)
        uid = found["metadata"]["uid"]
        if reference.get("uid") and reference["uid"] != uid:
            message = (
                f'Operation cannot be fulfilled on {kind} "{name}": the UID in the bound object reference '
                f"({reference['uid']}) does not match the UID in record. The object might have been deleted and "
                "then recreated"
            )
            raise Conflict(message, details={"name": name, "kind": kind})
        bound = {kind.lower(): Reference(name, uid)}
        if kind == "Pod" and (node := self._node_of(found)):
            bound["node"] = node
        return bound

    def _node_of(self, pod: Object) -> Reference | None:
        name = pod["spec"].get("nodeName", "")
        node = self._core.find("", "nodes", name) if name else None
        return Reference(name, node["metadata"]["uid"]) if node else None


def _request_type(core: Core) -> ResourceType:
    schema = core.registry.schema("authentication.k8s.io", "v1", "TokenRequest")
    assert schema is not None
    names = ("authentication.k8s.io", "v1", "TokenRequest", "tokenrequests", "tokenrequest")
    return ResourceType(*names, namespaced=True, verbs=("create",), schema=schema)


def _check(seconds: int) -> None:
    errors: list[FieldError] = []
    path = "spec.expirationSeconds"
    if seconds < 600:
        errors.append(invalid(path, seconds, "may not specify a duration less than 10 minutes"))
    if seconds > 1 << 32:
        errors.append(invalid(path, seconds, "may not specify a duration larger than 2^32 seconds"))
    if errors:
        raise failures.invalid("TokenRequest", "authentication.k8s.io", "", errors)
