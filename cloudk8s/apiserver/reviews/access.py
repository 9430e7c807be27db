"""SubjectAccessReview and its kin: may they, may I; SelfSubjectRulesReview: what may I."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.resource import Object
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.authorization.access import AccessRules
from cloudk8s.apiserver.authorization.interface import Attributes
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.reviews import access_validation as validation
from cloudk8s.errors import BadRequest

_GROUP = "authorization.k8s.io"


class AccessReviews:
    """Answers access reviews of all three kinds."""

    def __init__(self, access: AccessRules) -> None:
        self._access = access

    def of_self(self, context: RequestContext, review: Object) -> Object:
        """SelfSubjectAccessReview."""
        spec = review["spec"] = review.get("spec") or {}
        _refuse_if(validation.self_review(spec))
        return self._answer(review, context.user)

    def of_subject(self, context: RequestContext, review: Object) -> Object:
        """SubjectAccessReview."""
        spec = review["spec"] = review.get("spec") or {}
        _refuse_if(validation.subject_review(spec))
        return self._answer(review, _subject(spec))

    def of_local_subject(self, context: RequestContext, review: Object) -> Object:
        """LocalSubjectAccessReview: the namespace of the URL and of the question must be one."""
        spec = review["spec"] = review.get("spec") or {}
        namespace, said = context.info.namespace, review["metadata"].get("namespace")
        if said and said != namespace:
            raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
        review["metadata"] = {"namespace": namespace} | review["metadata"]
        _refuse_if(validation.local_review(spec, namespace))
        return self._answer(review, _subject(spec))

    def rules_of_self(self, context: RequestContext, review: Object) -> Object:
        """SelfSubjectRulesReview."""
        namespace = (review.get("spec") or {}).get("namespace", "")
        if not namespace:
            raise BadRequest("no namespace on request")
        rules, problems, is_complete = self._access.rules_for(context.user, namespace)
        fields = ("apiGroups", "resources", "resourceNames")
        status: Object = {
            "resourceRules": [_only(rule, *fields) for rule in rules if rule.get("resources")],
            "nonResourceRules": [_only(rule, "nonResourceURLs") for rule in rules if rule.get("nonResourceURLs")],
            "incomplete": not is_complete,
        }
        if problems:
            status["evaluationError"] = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        return {"metadata": {}, "spec": {}, "status": status}

    def _answer(self, review: Object, user: UserInfo) -> Object:
        decision = self._access.authorize(_attributes(review["spec"], user))
        status: Object = {"allowed": decision.is_allowed}
        if decision.verdict == "deny":
            status["denied"] = True
        if decision.reason:
            status["reason"] = decision.reason
        return review | {"status": status}


def _subject(spec: dict[str, Any]) -> UserInfo:
    extra = {key: tuple(values) for key, values in (spec.get("extra") or {}).items()}
    return UserInfo(spec.get("user", ""), spec.get("uid", ""), tuple(spec.get("groups") or ()), extra)


def _attributes(spec: dict[str, Any], user: UserInfo) -> Attributes:
    asked = spec.get("resourceAttributes")
    if asked is None:
        paths = spec["nonResourceAttributes"]
        return Attributes(user, paths.get("verb", ""), path=paths.get("path", ""))
    names = ("verb", "group", "version", "resource", "subresource", "namespace", "name")
    return Attributes(user, **{name: asked.get(name, "") for name in names}, field_selector=_equalities(asked))


def _equalities(asked: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Requirements that a field has one value, from either form of the selector."""
    requirements = (asked.get("fieldSelector") or {}).get("requirements") or ()
    return tuple(
        (each.get("key", ""), each["values"][0])
        for each in requirements
        if each.get("operator") == "In" and len(each.get("values") or ()) == 1
    )


def _only(rule: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {"verbs": rule.get("verbs")} | {field: rule[field] for field in fields if rule.get(field)}


def _refuse_if(errors: list[Any]) -> None:
    if errors:
        raise failures.invalid("", _GROUP, "", errors)
