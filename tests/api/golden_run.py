"""The golden corpus without a server: each step runs straight through a kind's strategy.

A create or update is defaulted, prepared and validated as the API server would; admission, allocation and storage
are not there, so what they set is taken from the recorded answer or left out of the comparison.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from cloudk8s.api.decoding.gvk import Expected
from cloudk8s.api.strategies import strategies
from cloudk8s.machinery import codec
from tests.api.golden_server import (
    TAILS,
    comparable,
    decoder,
    group_of,
    keep_admitted,
    keep_allocated,
    merge,
    resource_at,
)

UID = "11111111-2222-4333-8444-555555555555"
CLUSTER_SCOPED_PREFIX = "/namespaces/"


@dataclass
class Run:
    """One case: its objects as the recorded answers leave them, and the differences found."""

    replay: ModuleType
    case: dict[str, Any]
    scope: Any = None
    stored: dict[str, Any] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    checked: int = 0
    now: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    def run(self) -> None:
        self.scope = self.replay.Scope()
        for number, step in enumerate(self.case["steps"], 1):
            found = list(self._step(step))
            self.differences += [f"step {number}: {line}" for line in found]
            self._remember(step)

    def _step(self, step: dict[str, Any]) -> Iterator[str]:
        method, expected = step["method"], step["expect"]
        body = self.scope.fill(step.get("body"))
        status = expected["status"]
        if method not in ("POST", "PUT", "PATCH") or status not in (200, 201, 422) or not isinstance(body, dict):
            return
        path = self.scope.fill(step["path"]).split("?")[0]
        if "/scale" in path or (status == 422 and "causes" not in expected["body"].get("details", {})):
            return
        base = path
        for tail in TAILS:
            base = base.removesuffix("/" + tail)
        kind = body.get("kind") or (self.stored.get(base) or {}).get("kind", "")
        strategy = strategies("1.36").get((group_of(path), kind))
        if strategy is None:
            yield f"no strategy for {group_of(path)} {kind}"
            return
        self.checked += 1
        if method == "POST":
            errors = self._create(strategy, body, path)
        else:
            errors = self._update(strategy, step, body, path)
        if errors is None:
            return
        if status == 422:
            causes = [cause.as_dict() for cause in (error.as_cause() for error in errors)]
            causes = [self.scope.normalise(cause) for cause in causes]
            yield from self.replay.differences(expected["body"]["details"]["causes"], causes, "causes")
        elif errors:
            yield f"refused: {[str(error) for error in errors]}"
        else:
            yield from self._compare(expected, self.result, strategy)

    def _create(self, strategy: Any, body: dict[str, Any], path: str) -> Any:
        obj = self._decoded(body, path)
        meta = obj.setdefault("metadata", {})
        if CLUSTER_SCOPED_PREFIX in path:
            meta["namespace"] = path.split("/namespaces/")[1].split("/")[0]
        else:
            meta.pop("namespace", None)
        strategy.set_defaults(obj)
        if obj.get("kind") == "Service":
            keep_allocated(obj["spec"], {})
        if obj.get("kind") == "Pod":
            obj["spec"].setdefault("serviceAccountName", "default")
        meta["uid"] = UID
        meta["creationTimestamp"] = self.now
        if meta.get("generateName") and not meta.get("name"):
            meta["name"] = meta["generateName"] + "abcde"
        for key in ("deletionTimestamp", "deletionGracePeriodSeconds"):
            meta.pop(key, None)
        if strategy.has_generation:
            meta["generation"] = 1
        else:
            meta.pop("generation", None)
        strategy.prepare_create(obj)
        self.result = obj
        decoder().complete(obj, resource_at(path).schema)
        self.warnings = strategy.warnings(obj, None)
        return strategy.validate_create(obj)

    def _update(self, strategy: Any, step: dict[str, Any], body: dict[str, Any], path: str) -> Any:
        tail = next((part for part in TAILS if path.endswith("/" + part)), "")
        old = self.stored.get(path.removesuffix("/" + tail) if tail else path)
        if old is None or not old.get("metadata", {}).get("name"):
            return None
        old = codec.copy(old)
        if step["method"] == "PATCH":
            if step.get("content_type") != "application/merge-patch+json":
                return None
            new = self._decoded(merge(codec.copy(old), body), path)
        else:
            new = self._decoded(body, path)
        if old.get("kind") == "Pod" and not tail:
            keep_admitted(new["spec"], old["spec"])
        if old.get("kind") == "Service" and not tail:
            keep_allocated(new["spec"], old["spec"])
        meta, before = new.setdefault("metadata", {}), old["metadata"]
        if before.get("namespace"):
            meta["namespace"] = before["namespace"]
        strategy.set_defaults(new)
        for key in ("uid", "creationTimestamp", "generation"):
            meta.pop(key, None)
            if key in before:
                meta[key] = before[key]
        for key in ("deletionTimestamp", "deletionGracePeriodSeconds"):
            if key in before:
                meta[key] = before[key]
        strategy.prepare_update(new, old, tail)
        if strategy.has_generation and strategy.spec_changed(new, old):
            new["metadata"]["generation"] = before.get("generation", 0) + 1
        self.result = new
        decoder().complete(new, resource_at(path).schema)
        self.warnings = strategy.warnings(new, old)
        return strategy.validate_update(new, old, tail)

    def _decoded(self, body: dict[str, Any], path: str) -> Any:
        resource = resource_at(path)
        expected = Expected(resource.group, resource.version, resource.kind)
        return decoder().read(codec.encode(body), expected, resource.schema).object

    def _compare(self, expected: dict[str, Any], obj: dict[str, Any], strategy: Any) -> Iterator[str]:
        wanted, got = (comparable(value) for value in (expected["body"], obj))
        yield from self.replay.differences(wanted, self.scope.normalise(got))
        warnings = [self.scope.normalise(text) for text in self.warnings]
        known = [text for text in expected.get("warnings", []) if "is deprecated in v1" not in text]
        if warnings != known:
            yield f"warnings: expected {known}, got {warnings}"

    def _remember(self, step: dict[str, Any]) -> None:
        body = step["expect"]["body"]
        self.scope.bodies.append(body)
        if step["expect"]["status"] not in (200, 201) or not isinstance(body, dict) or "metadata" not in body:
            return
        if step["method"] not in ("POST", "PUT", "PATCH", "GET"):
            return
        path = self.scope.fill(step["path"]).split("?")[0]
        for tail in TAILS:
            path = path.removesuffix("/" + tail)
        name = body["metadata"].get("name", "")
        stored = self._denormalised(body)
        self.stored[path if path.endswith("/" + self.scope.fill(name)) else f"{path}/{self.scope.fill(name)}"] = stored

    def _denormalised(self, value: Any) -> Any:
        """A recorded answer with its stand-ins replaced by possible values."""
        if isinstance(value, dict):
            return {self.scope.fill(key): self._denormalised(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._denormalised(item) for item in value]
        if value == "<port>":
            return 30123
        if not isinstance(value, str):
            return value
        stand_ins = {"<uid>": UID, "<time>": self.now, "<rv>": "7", "<ip>": "10.97.1.1"}
        return stand_ins.get(value) or self.scope.fill(value).replace("<uid>", UID).replace("<suffix>", "abcde")
