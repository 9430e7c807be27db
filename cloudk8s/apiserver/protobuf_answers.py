"""JSON answers as protobuf, for clients that read nothing else."""

from __future__ import annotations

import logging

from cloudk8s.api.protobuf import ProtobufError, encode_body
from cloudk8s.api.registry import Registry
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.http.interface import Response, joined
from cloudk8s.apiserver.negotiation import JSON, PROTOBUF, negotiate
from cloudk8s.errors import NotAcceptable
from cloudk8s.machinery import codec

_log = logging.getLogger(__name__)


def wants_protobuf(context: RequestContext) -> bool:
    """Whether the client reads protobuf and nothing else that there is."""
    accept = context.headers.get("accept", "")
    if PROTOBUF not in accept:
        return False
    try:
        return negotiate(accept, can_stream=True).media_type == PROTOBUF
    except NotAcceptable:
        return False


def check_has_protobuf(context: RequestContext, resource: ResourceType) -> None:
    """Custom resources have no protobuf form; NotAcceptable before anything is done."""
    if resource.custom is not None and wants_protobuf(context):
        text = "only the following media types are accepted: application/json, application/yaml"
        raise NotAcceptable(text)


def in_protobuf(answer: Response, registry: Registry) -> Response:
    """The answer with its document in protobuf; itself where the document has no such form."""
    if answer.content_type != JSON:
        return answer
    try:
        body = encode_tree(codec.decode(joined(answer.body)), registry)
    except ProtobufError:
        return answer
    except Exception:  # noqa: BLE001 - the client is better off with JSON than with nothing
        _log.exception("an answer cannot be written as protobuf")
        return answer
    return Response(answer.status, body, PROTOBUF, answer.headers)


def encode_tree(tree: Object, registry: Registry) -> bytes:
    """An object or a list in protobuf; raises ProtobufError."""
    group, _, version = str(tree.get("apiVersion", "")).rpartition("/")
    schema = registry.schema(group, version, str(tree.get("kind", "")))
    if schema is None:
        raise ProtobufError(f"{tree.get('kind')} has no protobuf form")
    return encode_body(tree, schema)
