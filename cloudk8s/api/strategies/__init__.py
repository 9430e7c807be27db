"""How each built-in kind behaves: one file a kind or noun.

Belongs here: defaults, preparation, validation and selectable fields of kinds that upstream builds in.
Forbidden here: I/O, HTTP, storage, schemas, rules that several kinds share (those are in `cloudk8s.api.validation`).
"""

from cloudk8s.api.strategies.catalog import strategies

__all__ = ["strategies"]
