"""Admission of what is posted to a subresource and not stored: evictions, token requests."""

from __future__ import annotations

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver.admission.interface import AdmissionRequest
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core


async def admit_posted(
    core: Core, context: RequestContext, resource: ResourceType, obj: Object, options: Object
) -> None:
    """Let the plugins change or refuse `obj`; raises the StatusError of a refusal."""
    info = context.info
    request = AdmissionRequest(
        "CREATE", resource, info.subresource, info.namespace, info.name, obj, None, context.user, context.dry_run,
        options, context.warn, [], [], note=context.note,
    )  # fmt: skip
    await core.admission.admit(request)
    await core.admission.validate(request)
