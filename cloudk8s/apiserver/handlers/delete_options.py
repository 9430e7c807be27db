"""metav1.DeleteOptions from the body or the query."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api.field_errors import FieldError, invalid
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import Query, RequestContext
from cloudk8s.apiserver.handlers.write_options import dry_run_errors
from cloudk8s.apiserver.operations.delete import DeleteOptions
from cloudk8s.errors import BadRequest
from cloudk8s.machinery import codec

_POLICIES: Final = ("Foreground", "Background", "Orphan")
_SCHEME: Final = "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"


def read_delete_options(context: RequestContext, body: bytes) -> DeleteOptions:
    """The body where there is one, else the query; Invalid or BadRequest as upstream answers."""
    raw = _from_body(body) if body else _from_query(context)
    dry_run = raw.get("dryRun") or []
    errors = _errors(raw)
    if errors:
        raise failures.invalid("DeleteOptions", "meta.k8s.io", "", errors)
    if dry_run and "All" not in context.query.all("dryRun"):
        context.query = Query("dryRun=All")
    preconditions = raw.get("preconditions") or {}
    return DeleteOptions(
        grace_period_seconds=raw.get("gracePeriodSeconds"),
        propagation_policy=raw.get("propagationPolicy") or "",
        orphan_dependents=raw.get("orphanDependents"),
        uid=preconditions.get("uid") or "",
        resource_version=preconditions.get("resourceVersion") or "",
        raw=raw,
    )


def _from_body(body: bytes) -> dict[str, Any]:
    try:
        raw = codec.decode(body)
    except codec.DecodeError:
        raise BadRequest("couldn't get version/kind; json parse error: unexpected end of JSON input") from None
    if not isinstance(raw, dict):
        raise BadRequest("couldn't get version/kind; json parse error: the body is not an object")
    kind, version = raw.get("kind", ""), raw.get("apiVersion", "")
    if kind not in ("", "DeleteOptions"):
        raise BadRequest(f'no kind "{kind}" is registered for version "{version}" in scheme "{_SCHEME}"')
    return raw


def _from_query(context: RequestContext) -> dict[str, Any]:
    query = context.query
    raw: dict[str, Any] = {}
    if text := query.get("gracePeriodSeconds"):
        try:
            raw["gracePeriodSeconds"] = int(text)
        except ValueError:
            raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
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
