"""metav1.DeleteOptions from the body or the query."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api.decode import WrongType
from cloudk8s.api.decoding import gvk
from cloudk8s.api.field_errors import FieldError, invalid
from cloudk8s.api.protobuf import ProtobufError, decode_body
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.handlers.intake import PROTOBUF, YAML_TYPES
from cloudk8s.apiserver.handlers.list_options import read_integer
from cloudk8s.apiserver.handlers.write_options import dry_run_errors
from cloudk8s.apiserver.operations.delete import DeleteOptions
from cloudk8s.errors import BadRequest
from cloudk8s.machinery import codec, json_syntax

_NO_KIND: Final = "couldn't get version/kind; json parse error: "
_SCHEMA: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
_POLICIES: Final = ("Foreground", "Background", "Orphan")
_SCHEME: Final = "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"


def read_delete_options(core: Core, context: RequestContext, body: bytes) -> DeleteOptions:
    """The body where there is one, else the query; Invalid or BadRequest as upstream answers."""
    raw = _from_body(core, context, body) if body else _from_query(context)
    dry_run = raw.get("dryRun") or []
    errors = _errors(raw)
    if errors:
        raise failures.invalid("DeleteOptions", "meta.k8s.io", "", errors)
    if dry_run and "All" not in context.query.all("dryRun"):
        context.query = context.query.having("dryRun", "All")
    preconditions = raw.get("preconditions") or {}
    return DeleteOptions(
        grace_period_seconds=raw.get("gracePeriodSeconds"),
        propagation_policy=raw.get("propagationPolicy") or "",
        orphan_dependents=raw.get("orphanDependents"),
        uid=preconditions.get("uid") or "",
        resource_version=preconditions.get("resourceVersion") or "",
        raw=raw,
    )


def _from_body(core: Core, context: RequestContext, body: bytes) -> dict[str, Any]:
    """The options in JSON, YAML or protobuf; unknown fields do not matter."""
    raw = _parsed(core, context.headers.get("content-type", "").partition(";")[0].strip(), body)
    if not isinstance(raw, dict):
        raise BadRequest(f"{_NO_KIND}{gvk.no_object(raw)}")
    kind, version = raw.get("kind") or "", raw.get("apiVersion") or ""
    if not isinstance(kind, str) or not isinstance(version, str):
        field = "kind" if not isinstance(kind, str) else "apiVersion"
        raise BadRequest(f"{_NO_KIND}{gvk.no_string(field, raw[field])}")
    if kind not in ("", "DeleteOptions"):
        raise BadRequest(f'no kind "{kind}" is registered for version "{version}" in scheme "{_SCHEME}"')
    try:
        return core.decoder.check(raw, core.registry.definitions[_SCHEMA]).object
    except WrongType as problem:
        version = version.rpartition("/")[2] or "v1"
        text = f'DeleteOptions in version "{version}" cannot be handled as a DeleteOptions: {problem}'
        raise BadRequest(text) from None


def _parsed(core: Core, content_type: str, body: bytes) -> Any:
    if content_type == PROTOBUF:
        options = core.registry.definitions[_SCHEMA]
        try:
            return decode_body(body, lambda group, version, kind: options if kind == "DeleteOptions" else None)
        except ProtobufError as error:
            raise BadRequest(f"the body of the request cannot be read: {error}") from None
    try:
        return codec.decode(body)
    except codec.DecodeError:
        if content_type not in YAML_TYPES:
            problem = json_syntax.problem(body) or "unexpected end of JSON input"
            raise BadRequest(f"{_NO_KIND}{problem}") from None
    from cloudk8s.machinery import go_yaml

    try:
        return go_yaml.parse(body).tree
    except go_yaml.YamlProblem as problem:
        raise BadRequest(f"couldn't get version/kind; {problem}") from None


def _from_query(context: RequestContext) -> dict[str, Any]:
    query = context.query
    raw: dict[str, Any] = {}
    if text := query.get("gracePeriodSeconds"):
        raw["gracePeriodSeconds"] = read_integer(text)
    if policy := query.get("propagationPolicy"):
        raw["propagationPolicy"] = policy
    if "orphanDependents" in query:
        raw["orphanDependents"] = query.flag("orphanDependents")
    if dry_run := query.all("dryRun"):
        raw["dryRun"] = dry_run
    return raw


def _errors(raw: dict[str, Any]) -> list[FieldError]:
    policy, errors = raw.get("propagationPolicy"), list[FieldError]()
    if policy is not None and raw.get("orphanDependents") is not None:
        detail = "orphanDependents and deletionPropagation cannot be both set"
        errors.append(invalid("propagationPolicy", policy, detail))
    elif policy is not None and policy not in _POLICIES:
        names = ", ".join(f'"{name}"' for name in (*_POLICIES, "nil"))
        text = f"Unsupported value: {codec.encode(policy).decode()}: supported values: {names}"
        errors.append(FieldError("FieldValueNotSupported", "propagationPolicy", text))
    return errors + dry_run_errors(raw.get("dryRun") or [])
