"""Text becomes a declaration; what is wrong is told with its line, its field and a suggestion."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from cloudk8s.errors import FieldError, SettingsError
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration

Place = tuple[str | int, ...]


def read_file(path: Path) -> ClusterDeclaration:
    """The cluster that a file declares. Raises SettingsError: file, line, field, what to do."""
    try:
        text = path.read_text()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}") from error
    return read_text(text, str(path))


def read_text(text: str, source: str) -> ClusterDeclaration:
    """The cluster that a YAML document declares."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError(f"{source}:{line}: {error.problem or 'this is not YAML'}") from error
    if not isinstance(value, dict):
        raise SettingsError(f"{source}: a cluster file is a mapping with at least `name` and `provider`")
    return declare(value, source, _lines(node))


def declare(value: Mapping[str, Any], source: str, lines: Mapping[Place, int] | None = None) -> ClusterDeclaration:
    """A declaration from data."""
    try:
        return ClusterDeclaration.model_validate(value)
    except ValidationError as error:
        found = [_explain(entry, source, lines or {}) for entry in error.errors()]
        raise SettingsError("\n".join(dict.fromkeys(found))) from error


@contextmanager
def locating(path: Path | None) -> Iterator[None]:
    """Name file and line of a field that is refused later, when the cloud is known."""
    try:
        yield
    except FieldError as error:
        if path is None:
            raise
        lines = _lines(yaml.compose(path.read_text(), Loader=yaml.SafeLoader))
        raise SettingsError(f"{_where(parts(error.field), str(path), lines)}: {error}") from error


def parts(field: str) -> Place:
    """`pools[0].zones` as its parts."""
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", field))


def _where(place: Place, source: str, lines: Mapping[Place, int]) -> str:
    """The source, with the line of as much of a place as stands in it."""
    found = (lines[place[:end]] for end in range(len(place), 0, -1) if place[:end] in lines)
    return f"{source}:{line}" if (line := next(found, 0)) else source


def _explain(entry: Any, source: str, lines: Mapping[Place, int]) -> str:
    place: Place = tuple(part for part in entry["loc"] if not _is_branch(part))
    message = entry["msg"].removeprefix("Value error, ")
    if entry["type"] == "extra_forbidden":
        message = f"there is no such field{_suggestion(place)}"
    elif entry["type"] == "missing":
        message = "this field is needed"
    return f"{_where(place, source, lines)}: {dotted(place) or 'cluster'}: {message}"


def dotted(place: Sequence[str | int]) -> str:
    """`pools[0].replicas`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _suggestion(place: Place) -> str:
    fields = _fields_at(place[:-1])
    near = difflib.get_close_matches(str(place[-1]), fields, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there is {', '.join(fields)}" if fields else ""


def _fields_at(place: Place) -> list[str]:
    """The fields of the model at a place."""
    model: Any = ClusterDeclaration
    for part in place:
        if isinstance(part, str):
            field = next((f for n, f in model.model_fields.items() if part in (n, f.alias)), None)
            model = _model_of(field.annotation) if field is not None else None
        if model is None:
            return []
    return [str(field.alias or name) for name, field in model.model_fields.items()]


def _model_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for entry in get_args(annotation) if (found := _model_of(entry))), None)


def _is_branch(part: object) -> bool:
    """Pydantic puts names of union branches between the fields."""
    return isinstance(part, str) and (part.startswith(("constrained-", "function-")) or part in ("int", "str"))


def _lines(node: Any) -> dict[Place, int]:
    """The line of everything in the document, by its place."""
    found: dict[Place, int] = {}

    def walk(entry: Any, place: Place) -> None:
        if isinstance(entry, yaml.MappingNode):
            for key, value in entry.value:
                found[(*place, key.value)] = key.start_mark.line + 1
                walk(value, (*place, key.value))
        elif isinstance(entry, yaml.SequenceNode):
            for index, value in enumerate(entry.value):
                found[(*place, index)] = value.start_mark.line + 1
                walk(value, (*place, index))

    walk(node, ())
    return found
