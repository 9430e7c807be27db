"""What `plugin list` and `provider describe` show."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cloudk8s.plugin.discovery import Candidate
from cloudk8s.plugin.failure import PluginError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic import BaseModel

    from cloudk8s.cloud.model.cloud import Cloud
    from cloudk8s.plugin.manager import Plugins

PluginStatus = Literal["loaded", "disabled", "failed"]
_REQUIRED = "(required)"
CONTRACTS = ("instances", "routes", "load_balancers", "machines", "networks", "volumes")


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One row of `plugin list`."""

    name: str
    status: PluginStatus
    distribution: str = ""
    version: str = ""
    module: str = ""
    hooks: tuple[str, ...] = ()
    error: str = ""

    @staticmethod
    def loaded(candidate: Candidate, hooks: tuple[str, ...]) -> PluginInfo:
        return PluginInfo(candidate.name, "loaded", candidate.distribution, candidate.version, candidate.target, hooks)

    @staticmethod
    def disabled(name: str) -> PluginInfo:
        return PluginInfo(name, "disabled")

    @staticmethod
    def failed(failure: PluginError) -> PluginInfo:
        return PluginInfo(failure.plugin, "failed", failure.distribution, error=failure.reason)


def describe_provider(plugins: Plugins, cloud: Cloud[Any]) -> dict[str, Any]:
    """The contracts that a provider offers with these settings, each with its declared capabilities."""
    described: dict[str, Any] = {}
    for name in CONTRACTS:
        contract = getattr(plugins, name)(cloud)
        described[name] = None if contract is None else _plain(contract.capabilities)
    return described


def describe_settings(model: type[BaseModel] | type[DataclassInstance]) -> list[dict[str, Any]]:
    """Every setting of a provider: name, default and meaning, as its model's attribute docstrings say it."""
    meanings = _attribute_docstrings(model)
    found = _of_dataclass(model) if is_dataclass(model) else _of_model(model)
    return [
        {"name": name, "default": default, "description": description or meanings.get(name, "")}
        for name, default, description in found
    ]


def _of_model(model: type[BaseModel]) -> Iterator[tuple[str, Any, str]]:
    for name, field in model.model_fields.items():
        default = _REQUIRED if field.is_required() else _shown(field.get_default(call_default_factory=True))
        yield name, default, field.description or ""


def _of_dataclass(kind: type[DataclassInstance]) -> Iterator[tuple[str, Any, str]]:
    for field in fields(kind):
        if field.default_factory is not MISSING:
            yield field.name, _shown(field.default_factory()), ""
        else:
            yield field.name, _REQUIRED if field.default is MISSING else _shown(field.default), ""


def _attribute_docstrings(model: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__[:-1]):
        try:
            body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        except (OSError, TypeError):
            continue
        assert isinstance(body, ast.ClassDef)
        for pair in pairwise(body.body):
            match pair:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = " ".join(text.split())
    return found


def _shown(value: Any) -> Any:
    from pydantic import SecretStr

    if isinstance(value, SecretStr):
        return "(secret)" if value.get_secret_value() else ""
    return str(value) if isinstance(value, Path) else _plain(value)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {key: _plain(item) for key, item in asdict(value).items()}
    if isinstance(value, (frozenset, set)):
        return sorted((_plain(item) for item in value), key=str)
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
