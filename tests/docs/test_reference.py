"""Every command, option, hook and setting is documented, and the reference pages say what the code says."""

from __future__ import annotations

import pytest

from cloudk8s.plugin.description import describe_settings
from docs import generate

COMMANDS = dict(generate.commands())


@pytest.mark.parametrize("page", generate.pages())
def test_reference_pages_are_those_of_the_code(page: str) -> None:
    written = (generate.PAGES / page).read_text()
    assert written == generate.pages()[page], "run: make reference"


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_says_what_it_does_and_shows_an_example(path: str) -> None:
    summary, example = generate.described(COMMANDS[path])
    assert summary
    assert "cloudk8s" in example, f"cloudk8s {path} has no example"


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_says_what_it_means(path: str) -> None:
    silent = [
        parameter.opts[0] for parameter in COMMANDS[path].params
        if parameter.param_type_name == "option" and not parameter.help
    ]  # fmt: skip
    assert silent == []


@pytest.mark.parametrize("model", [*generate.component_settings(), *generate.provider_settings()],
                         ids=lambda model: str(model.__name__))  # fmt: skip
def test_every_setting_says_what_it_means(model: type) -> None:
    assert [row["name"] for row in describe_settings(model) if not row["description"]] == []
