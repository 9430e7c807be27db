"""Read single annotations; whatever is wrong names the annotation and what it may be. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cloudk8s.plugin import Unsupported

PREFIX = "service.beta.kubernetes.io/aws-load-balancer-"


def wrong(name: str, problem: str, *, prefix: str = PREFIX) -> Unsupported:
    """The error for an annotation, by its name without the prefix."""
    return Unsupported(f"metadata.annotations[{prefix}{name}]", f"{prefix}{name}: {problem}")


@dataclass(frozen=True, slots=True)
class Annotations:
    """The annotations of a Service that concern AWS, by their names without the prefix."""

    values: Mapping[str, str]
    prefix: str = PREFIX

    @staticmethod
    def of(annotations: Mapping[str, str], prefix: str = PREFIX) -> Annotations:
        given = {key[len(prefix) :]: text.strip() for key, text in annotations.items() if key.startswith(prefix)}
        return Annotations(given, prefix)

    def wrong(self, name: str, problem: str) -> Unsupported:
        """The error for one of them."""
        return wrong(name, problem, prefix=self.prefix)

    def text(self, name: str, default: str = "") -> str:
        return self.values.get(name, default)

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        """One of several words."""
        value = self.values.get(name, "") or default
        if value not in allowed:
            raise self.wrong(name, f"{value!r} is none of {', '.join(sorted(allowed))}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """`true` or `false`."""
        return self.choice(name, ("true", "false"), "true" if default else "false") == "true"

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number within limits."""
        text = self.values.get(name, "")
        if not text:
            return default
        if not text.isdigit() or not least <= int(text) <= most:
            raise self.wrong(name, f"{text!r} is no number from {least} to {most}")
        return int(text)

    def words(self, name: str) -> tuple[str, ...]:
        """A comma-separated list."""
        return tuple(part.strip() for part in self.values.get(name, "").split(",") if part.strip())

    def pairs(self, name: str) -> dict[str, str]:
        """`k=v,k2=` as a dict."""
        parts = (word.partition("=") for word in self.words(name))
        pairs = {key.strip(): value.strip() for key, _, value in parts}
        if "" in pairs:
            raise self.wrong(name, "an entry has no key; write key=value,key2=value2")
        return pairs
