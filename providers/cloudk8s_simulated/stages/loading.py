"""A file of YAML documents to a scenario; what is wrong is said with the place where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from cloudk8s.errors import UserError
from cloudk8s.machinery import yaml_codec
from cloudk8s.machinery.expressions import Evaluate, ExpressionError, compile_expression
from cloudk8s_simulated.stages import documents
from cloudk8s_simulated.stages.jq import Query, QueryError, compiled
from cloudk8s_simulated.stages.scenario import ContainersRule, Scenario
from cloudk8s_simulated.stages.stage import (
    Apply,
    Delay,
    Delete,
    Duration,
    Event,
    Finalizers,
    Patch,
    PatchKind,
    Requirement,
    Selector,
    Stage,
    Step,
    Truth,
)
from cloudk8s_simulated.stages.template import Template, TemplateError

M = TypeVar("M", bound=documents.Model)
_BETWEEN: Final = re.compile(r"^---[ \t]*(?:#.*)?$", re.MULTILINE)
BUNDLED: Final = Path(__file__).parent / "bundled"
"""Files that come along; they can be asked for by name."""


def load(source: str) -> Scenario:
    """Read a file, or one of the bundled ones by its name. Raises UserError."""
    path = Path(source)
    if "/" not in source and not path.exists():
        path = BUNDLED / f"{source}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        known = ", ".join(sorted(item.stem for item in BUNDLED.glob("*.yaml")))
        raise UserError(f"cannot read the stages {source}: {error.strerror}; bundled ones are: {known}") from error
    return read(text, str(source))


def read(text: str, source: str) -> Scenario:
    """Read the documents of a text; `source` is what errors call it. Raises UserError."""
    stages: list[Stage] = []
    single: list[ContainersRule] = []
    common: list[ContainersRule] = []
    simulation = documents.SimulationSpec()
    for number, document in _documents(text, source):
        kind, metadata = document.get("kind"), document.get("metadata") or {}
        where = f"{source}, document {number} ({kind} {metadata.get('name', '')})".replace(" )", ")")
        match document.get("apiVersion"), kind:
            case documents.KWOK, "Stage":
                stages.append(_stage(str(metadata.get("name", "")), document, where))
            case documents.KWOK, "ClusterResourceUsage":
                common.append(ContainersRule(_model(documents.UsageSpec, document, where)))
            case documents.KWOK, "ResourceUsage":
                pod = (str(metadata.get("namespace") or "default"), str(metadata.get("name", "")))
                single.append(ContainersRule(_model(documents.UsageSpec, document, where), pod))
            case documents.OURS, "Simulation":
                simulation = _model(documents.SimulationSpec, document, where)
            case version, _:
                known = "Stage, ClusterResourceUsage, ResourceUsage, Simulation"
                raise UserError(f"{where}: {version} {kind} is not known here; known are: {known}")
    return Scenario(stages, [*single, *common], simulation)


def _documents(text: str, source: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, part in enumerate(_BETWEEN.split(text), 1):
        try:
            tree = yaml_codec.decode(part)
        except ValueError as error:
            raise UserError(f"{source}, document {number}: {error}") from error
        if tree is None:
            continue
        if not isinstance(tree, Mapping):
            raise UserError(f"{source}, document {number}: an object with apiVersion and kind is expected")
        yield number, tree


def _model(model: type[M], document: Mapping[str, Any], where: str) -> M:
    try:
        return model.model_validate(document.get("spec") or {})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, ("spec", *first["loc"])))
        raise UserError(f"{where}: {place}: {first['msg']}") from error


def _stage(name: str, document: Mapping[str, Any], where: str) -> Stage:
    spec = _model(documents.StageSpec, document, where)
    try:
        return Stage(
            name=name,
            api_version=spec.resourceRef.apiGroup,
            kind=spec.resourceRef.kind,
            selector=_selector(spec.selector),
            steps=list(_steps(spec)),
            delay=_delay(spec.delay),
            weight=spec.weight,
            named_weight=_query(spec.weightFrom),
            is_followed_at_once=spec.immediateNextStage,
        )
    except (QueryError, TemplateError, ExpressionError) as error:
        raise UserError(f"{where}: {error}") from error


def _selector(given: documents.StageSelector | None) -> Selector:
    if given is None:
        return Selector(requirements=[_NEVER])
    requirements: list[Requirement | Truth] = []
    for item in given.matchExpressions:
        if item.cel is not None:
            requirements.append(Truth(compile_expression(item.cel.expression)))
            continue
        condition = item.jq
        key, operator, values = (
            (condition.key, condition.operator, condition.values)
            if condition
            else (item.key, item.operator, item.values)
        )
        if not key or not operator:
            raise QueryError("a match expression needs key and operator, or an expression under cel")
        requirements.append(Requirement(compiled(key), operator, frozenset(values)))
    return Selector(given.matchLabels, given.matchAnnotations, requirements)


_NEVER: Final = Requirement(compiled("null"), "Exists")
"""A stage without a selector is for no object."""


def _steps(spec: documents.StageSpec) -> Iterator[Step]:
    for step in spec.steps:
        if step.patch is not None:
            yield _patch(step.patch)
        if step.apply is not None:
            yield Apply(Template(step.apply.template), step.apply.subresource)
        yield from _others(step.event, step.finalizers, delete=step.delete)
    after = spec.next
    if after is None:
        return
    yield from _others(after.event, after.finalizers, delete=False)
    if after.delete:
        yield Delete()
        return
    if after.statusTemplate:
        yield Patch(Template(after.statusTemplate), "strategic", "status", after.statusSubresource)
    for patch in after.patches:
        yield _patch(patch)


def _others(
    event: documents.StageEvent | None, finalizers: documents.StageFinalizers | None, *, delete: bool
) -> Iterator[Step]:
    if event is not None:
        yield Event(event.type, event.reason, event.message)
    if finalizers is not None:
        added = [item.value for item in finalizers.add]
        yield Finalizers(added, frozenset(item.value for item in finalizers.remove), finalizers.empty)
    if delete:
        yield Delete()


def _patch(given: documents.StagePatch) -> Patch:
    kind: PatchKind = given.type or "merge"
    return Patch(Template(given.template), kind, given.root, given.subresource)


def _delay(given: documents.StageDelay | None) -> Delay:
    if given is None:
        return Delay()
    return Delay(
        Duration(_span(given.durationMilliseconds), _query(given.durationFrom)),
        Duration(_span(given.jitterDurationMilliseconds), _query(given.jitterDurationFrom)),
    )


def _span(milliseconds: int | None) -> timedelta | None:
    return None if milliseconds is None else timedelta(milliseconds=milliseconds)


def _query(given: documents.ValueFrom | None) -> Query | None:
    if given is not None and given.cel is not None:
        return _value_of(compile_expression(given.cel.expression))
    return compiled(given.query) if given is not None and given.query else None


def _value_of(evaluate: Evaluate) -> Query:
    """An expression as a query; one without a value finds nothing."""

    def query(obj: Any) -> Iterator[Any]:
        try:
            yield evaluate({"self": obj})
        except ExpressionError:
            return

    return query
