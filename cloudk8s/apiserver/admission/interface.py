"""What an admission plugin is and what it is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cloudk8s.api.resource import Object, ResourceType

if TYPE_CHECKING:
    from cloudk8s.apiserver.authentication import UserInfo
    from cloudk8s.apiserver.core import Core

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]


@dataclass(slots=True)
class AdmissionRequest:
    """One write on its way to the store. Mutating plugins change `obj` in place."""

    operation: Operation
    resource: ResourceType
    subresource: str
    namespace: str
    name: str
    """Empty on creation with `generateName`."""
    obj: Object | None
    """The new object, or the options of a DELETE or CONNECT; None for a plain delete."""
    old: Object | None
    """The stored object; shared, read-only."""
    user: UserInfo
    dry_run: bool
    options: Object
    """CreateOptions, UpdateOptions, PatchOptions or DeleteOptions as sent."""
    warn: Callable[[str], None]
    on_commit: list[Callable[[], Any]]
    """Called after the write is stored."""
    on_failure: list[Callable[[], Any]]
    """Called when the write did not happen: give back what was reserved."""
    on_end: list[Callable[[], Any]] = field(default_factory=list)
    """Called when the write is over, whatever came of it."""
    on_rename: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """Called when a generated name turned out to be taken and `obj` has another one, before that is tried.

    For what was written down by the object's name; an error ends the creation.
    """
    note: Callable[[str, str], None] | None = None
    """Puts an annotation, key and value, into the audit record of the request; None where there is no record."""


class AdmissionPlugin:
    """One check or change of writes; the base class admits everything.

    Plugins are called in upstream's order: first every `admit`, then, after validation of the object, every
    `validate`. They refuse by raising a StatusError (usually `failures.forbidden`). `core` is set before
    the first call.
    A method may be sync (answered in the same loop turn) or return an awaitable.
    """

    name: str = ""
    """What `--disable-admission-plugins` calls it; those without a name are always on."""
    core: Core

    def attach(self, core: Core) -> None:
        """Take the core; called once, before the first request."""
        self.core = core

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        """Whether to call this plugin at all; asked once for each combination."""
        return True

    def admit(self, request: AdmissionRequest) -> Awaitable[None] | None:
        """Change the object, or refuse it."""
        return None

    def validate(self, request: AdmissionRequest) -> Awaitable[None] | None:
        """Refuse the object; it is final now."""
        return None
