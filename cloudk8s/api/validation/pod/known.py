"""Pod specs that were looked at before: replicas differ from each other in little more than their name.

What is sound stays so, whatever the pod's name; only specs with ephemeral volumes depend on it and are not kept.
The volume with the service-account token has a random suffix in its name, which does not count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.machinery import codec

_CAPACITY: Final = 1024
_is_token_volume = re.compile("kube-api-access-[a-z0-9]{5}").fullmatch

Spec = Mapping[str, Any]


class KnownSpecs:
    """Specs without findings, and those of pods that were created from a complete spec without a warning.

    They are those of one version of Kubernetes: another has fields more, and what is complete there is another thing.
    """

    def __init__(self) -> None:
        self._sound: dict[bytes, None] = {}
        self._usual: dict[bytes, None] = {}
        self._recognized: Spec | None = None
        self._keyed: tuple[Spec, bytes] | None = None
        """The spec that was asked about last, and its key."""

    def recognize(self, spec: Spec) -> bool:
        """Whether a pod was created with just this spec, which must not change while it is looked at."""
        self._keyed = spec, key_of(spec)
        self._recognized = spec if self._keyed[1] in self._usual else None
        return self._recognized is not None

    def is_recognized(self, spec: Spec) -> bool:
        return spec is self._recognized

    def is_sound(self, spec: Spec) -> bool:
        """Whether nothing was found in a spec like this one."""
        if spec is self._recognized:
            return True
        if self._keyed is None or self._keyed[0] is not spec:
            self._keyed = spec, key_of(spec)
        return self._keyed[1] in self._sound

    def note_sound(self, spec: Spec) -> None:
        """Nothing was found in the spec that `is_sound` was last asked about."""
        keyed, self._keyed = self._keyed, None
        if keyed is not None and keyed[0] is spec:
            _note(self._sound, keyed[1])

    def note_usual(self, spec: Spec) -> None:
        """A pod was created with this spec, which is complete, without a warning."""
        _note(self._usual, key_of(spec))


def _note(keys: dict[bytes, None], key: bytes) -> None:
    if key:
        if len(keys) >= _CAPACITY:
            keys.clear()
        keys[key] = None


def key_of(spec: Spec) -> bytes:
    """What two specs have in common if one is sound whenever the other is; empty where there is no such thing."""
    volumes = spec.get("volumes") or ()
    if any("ephemeral" in volume for volume in volumes):
        return b""
    key = codec.encode(spec)
    for volume in volumes:
        if _is_token_volume(name := volume.get("name") or ""):
            # The stand-in is no JSON, so that no spec can contain it.
            return key.replace(name.encode() + b'"', b"\x00")
    return key
