from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from cloudk8s.cli.boolean_flags import Command


def called(*arguments: str) -> tuple[int, list[bool]]:
    found: list[bool] = []
    app = typer.Typer()

    @app.command(cls=Command)
    def command(
        leader_elect: Annotated[bool, typer.Option("--leader-elect/--no-leader-elect")] = True,
        detach: Annotated[bool, typer.Option("--detach")] = False,
    ) -> None:
        found.extend((leader_elect, detach))

    return CliRunner().invoke(app, list(arguments)).exit_code, found


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((), [True, False]),
        (("--leader-elect=false",), [False, False]),
        (("--leader-elect=true", "--detach=true"), [True, True]),
        (("--no-leader-elect",), [False, False]),
        (("--leader-elect=False",), [False, False]),
    ],
)
def test_switches_take_values(arguments: tuple[str, ...], wanted: list[bool]) -> None:
    assert called(*arguments) == (0, wanted)


@pytest.mark.parametrize("word", ["--leader-elect=perhaps", "--detach=false"])
def test_what_has_no_meaning_is_refused(word: str) -> None:
    assert called(word)[0] == 2
