"""The page on components alone says what the commands say."""

from __future__ import annotations

import re

import pytest

from docs.generate import PAGES, commands

PAGE = (PAGES.parent / "components.md").read_text()
ROWS = re.findall(r"^\| `cloudk8s ([a-z-]+)` \| (\d+) \(`(--[a-z-]+)`\)", PAGE, flags=re.M)


def test_every_component_with_a_port_is_told_of() -> None:
    assert {row[0] for row in ROWS} == {
        "apiserver", "controller-manager", "cloud-controller-manager", "scheduler", "kubelet", "proxy", "dns",
    }  # fmt: skip


@pytest.mark.parametrize(("command", "port", "flag"), ROWS)
def test_ports_are_those_of_the_flags(command: str, port: str, flag: str) -> None:
    parameters = next(found for path, found in commands() if path == command).params
    default = next(parameter.default for parameter in parameters if flag in parameter.opts)
    assert str(default) == port


def test_flags_that_the_page_names_exist() -> None:
    known = {option for _, command in commands() for parameter in command.params for option in parameter.opts}
    named = set(re.findall(r"`(--[a-z-]+[a-z])", PAGE))
    assert named
    assert {flag for flag in named if flag not in known and not any(each.startswith(flag) for each in known)} == set()
