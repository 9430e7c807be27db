"""What a kind adds to the common pipeline: defaults, preparation, validation, selectable fields.

The pipeline of a write is: decode → prune → `set_defaults` → mutating admission → `prepare_*` → name generation →
`validate_*` → validating admission → managed fields → store. Strategies are pure: they see plain trees, change only
the new one, and return findings instead of raising. A kind without a strategy of its own uses `Strategy` as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object


class Strategy:
    """The behaviour of one kind; subclasses override what differs.

    Instances are shared by all servers of a version, and remember nothing that changes what they find.

    `subresource` is "" for the object itself, else "status", "scale", "ephemeralcontainers", "resize", "approval" ….
    """

    allow_create_on_update: bool = False
    """PUT of an absent object creates it."""
    allow_unconditional_update: bool = True
    """PUT without a resource version overwrites."""
    has_generation: bool = True
    """metadata.generation starts at 1 and grows when the spec changes."""
    generate_name_max: int = 63
    """Length that a generated name is cut to, suffix included."""

    def set_defaults(self, obj: Object) -> None:
        """Fill in every default that upstream's versioned defaulting applies. Idempotent."""

    def prepare_create(self, obj: Object) -> None:
        """Drop what a client may not set on creation (status), set what the server decides."""

    def prepare_update(self, new: Object, old: Object, subresource: str = "") -> None:
        """Carry over from `old` what this (sub)resource may not change; drop disabled fields."""

    def validate_create(self, obj: Object) -> list[FieldError]:
        """Upstream's rules beyond the schema, in upstream's order and words."""
        return []

    def validate_update(self, new: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """Upstream's rules for an update of the object or of a subresource."""
        return []

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        """Texts for `Warning` headers: deprecated or suspicious fields."""
        return []

    def known_parts(self, obj: Object) -> Object:
        """Parts of a new, prepared object that are like those of earlier ones: complete, nothing to find or warn of.

        `validate_create` and `warnings`, which follow at once, need not look at them again.
        """
        return {}

    def note_usual(self, obj: Object) -> None:
        """A new object is complete, and there was nothing to find or to warn of: parts of it may be known from now."""

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        """Field-selector values beyond metadata.name and metadata.namespace."""
        return {}

    @property
    def selectable_field_names(self) -> frozenset[str]:
        """The field labels that a selector may use beyond metadata.name and metadata.namespace."""
        return frozenset()

    def unknown_field(self, label: str) -> str:
        """What is said of a field label that is none of them, where there are any."""
        return f"field label not supported: {label}"

    @property
    def field_labels(self) -> Mapping[str, str]:
        """Labels of selectable fields that this form of the kind calls otherwise than `selectable_fields` does."""
        return {}

    def validate_name(self) -> Callable[[str], list[str]] | None:
        """The rule for metadata.name: a function from a name to messages; None is the DNS subdomain rule."""
        return None

    def spec_changed(self, new: Object, old: Object) -> bool:
        """Whether generation grows: by default when anything but metadata and status differs."""
        ignored = ("metadata", "status", "apiVersion", "kind")
        return {k: v for k, v in new.items() if k not in ignored} != {k: v for k, v in old.items() if k not in ignored}


Strategies = Mapping[tuple[str, str], Strategy]
"""By group and kind."""
