"""The handlers of all reviews, by group and plural."""

from __future__ import annotations

from collections.abc import Mapping

from cloudk8s.apiserver.authentication.bearer import BearerAuthenticator
from cloudk8s.apiserver.authorization.access import AccessRules
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.reviews.access import AccessReviews
from cloudk8s.apiserver.reviews.identity import SelfSubjectReviews, TokenReviews
from cloudk8s.apiserver.reviews.review import Answering, ReviewHandler
from cloudk8s.apiserver.subresources.interface import VirtualHandler


def review_handlers(
    core: Core, access: AccessRules, bearer: BearerAuthenticator
) -> Mapping[tuple[str, str], VirtualHandler]:
    """What answers reviews."""
    reviews = AccessReviews(access)
    answering: dict[tuple[str, str], Answering] = {
        ("authentication.k8s.io", "selfsubjectreviews"): SelfSubjectReviews(core.clock),
        ("authentication.k8s.io", "tokenreviews"): TokenReviews(bearer),
        ("authorization.k8s.io", "selfsubjectaccessreviews"): reviews.of_self,
        ("authorization.k8s.io", "subjectaccessreviews"): reviews.of_subject,
        ("authorization.k8s.io", "localsubjectaccessreviews"): reviews.of_local_subject,
        ("authorization.k8s.io", "selfsubjectrulesreviews"): reviews.rules_of_self,
    }
    return {key: ReviewHandler(core, each) for key, each in answering.items()}
