"""`--feature-gates` of the components: checked as upstream's are, but it is the API server that has features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from cloudk8s.cli import output

ComponentGates = Annotated[
    list[str] | None,
    typer.Option("--feature-gates", help="Features on or off: Name=true,…; looked at, but the API server decides."),
]


def check_feature_gates(given: Sequence[str]) -> None:
    """Say that they decide nothing here. Raises SettingsError for what is not a feature."""
    if not given:
        return
    from cloudk8s.api.features import parse_feature_gates
    from cloudk8s.settings import KUBERNETES_VERSION

    parts = [part.strip().removeprefix("kube:") for text in given for part in text.split(",")]
    parse_feature_gates(",".join(parts), KUBERNETES_VERSION)
    output.note("--feature-gates changes nothing: components do what the API server has on; give it the flag")
