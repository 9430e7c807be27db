"""CRI's messages as dictionaries to protobuf bytes and back."""

from __future__ import annotations

from typing import Final

from cloudk8s.drivers.codec import Codec, Document
from cloudk8s.node.runtimes.cri.messages import MESSAGES

__all__ = ["Document", "decode", "encode"]

_CODEC: Final = Codec(MESSAGES)
encode, decode = _CODEC.encode, _CODEC.decode
