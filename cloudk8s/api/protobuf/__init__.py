"""Kubernetes' protobuf encoding of built-in kinds, read only: what kubectl and upstream's components send.

`wire` reads the format, `numbers` is the table of field numbers, `decode` turns a body into the JSON tree that the same
object has. Forbidden here: validation, and anything that knows HTTP.
"""

from cloudk8s.api.protobuf.decode import decode_body
from cloudk8s.api.protobuf.numbers import json_order, short_name
from cloudk8s.api.protobuf.wire import ProtobufError

__all__ = ["ProtobufError", "decode_body", "json_order", "short_name"]
