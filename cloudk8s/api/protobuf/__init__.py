"""Kubernetes' protobuf encoding of built-in kinds: what kubectl and upstream's components send, and may ask for.

`wire` reads the format and `writer` writes it, `numbers` is the table of field numbers, `decode` turns a body into the
JSON tree that the same object has, `encode` turns it back. Forbidden here: validation, and anything that knows HTTP.
"""

from cloudk8s.api.protobuf.decode import decode_body
from cloudk8s.api.protobuf.encode import encode_body, encode_event
from cloudk8s.api.protobuf.numbers import json_order, short_name
from cloudk8s.api.protobuf.wire import ProtobufError

__all__ = ["ProtobufError", "decode_body", "encode_body", "encode_event", "json_order", "short_name"]
