"""`provider new` writes a project that passes its own tests, types and checks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.errors import UserError
from cloudk8s.plugin.scaffold.writing import write_provider

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "40-provider"


def run(directory: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(directory), str(ROOT), str(ROOT / "providers")])
    environment = os.environ | {"PYTHONPATH": path, "MYPYPATH": path}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )


def test_the_written_project_passes_the_contract_suite(tmp_path: Path) -> None:
    write_provider("acme_cloud", tmp_path)
    done = run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "failed" not in done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_the_written_project_is_typed(tmp_path: Path) -> None:
    write_provider("acme_cloud", tmp_path)
    done = run(tmp_path, "mypy", "--strict", "--follow-imports=silent", "acme_cloud", "tests")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_written_project_is_found_and_checked_once_it_is_installed(tmp_path: Path) -> None:
    write_provider("acme_cloud", tmp_path)
    metadata = tmp_path / "cloudk8s_acme_cloud-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: cloudk8s-acme-cloud\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text("[cloudk8s]\nacme_cloud = acme_cloud.plugin\n")
    done = run(tmp_path, "cloudk8s", "plugin", "list", "--output", "json")
    [found] = [row for row in json.loads(done.stdout) if row["name"] == "acme_cloud"]
    assert (found["distribution"], found["version"], found["status"]) == ("cloudk8s-acme-cloud", "0.1.0", "loaded")
    done = run(tmp_path, "cloudk8s", "provider", "check", "acme_cloud", "--output", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert {check["result"] for check in _checks(report)} <= {"passed", "skipped"}


def _checks(report: Any) -> list[dict[str, str]]:
    """Of one provider, alone or in a list."""
    return list((report[0] if isinstance(report, list) else report)["checks"])


def test_names_are_replaced_everywhere(tmp_path: Path) -> None:
    written = write_provider("acme_cloud", tmp_path)
    texts = {path.relative_to(tmp_path): path.read_text() for path in written}
    assert Path("acme_cloud/plugin.py") in texts
    assert not [path for path, text in texts.items() if "mycloud" in text.lower()]
    assert 'name = "cloudk8s-acme-cloud"' in texts[Path("pyproject.toml")]
    assert "class AcmeCloudWorld" in texts[Path("acme_cloud/testing.py")]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write_provider("one", tmp_path)
    with pytest.raises(UserError, match="is there already"):
        write_provider("one", tmp_path)


@pytest.mark.parametrize("name", ["My-Cloud", "1cloud", "", "a b", "cloud__x_"])
def test_a_name_must_be_a_packages(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="can't be a provider's name"):
        write_provider(name, tmp_path)


def test_the_example_is_what_the_template_writes(tmp_path: Path) -> None:
    written = write_provider("mycloud", tmp_path)
    for path in written:
        name = path.relative_to(tmp_path)
        assert (EXAMPLE / name).read_text() == path.read_text(), f"run: cloudk8s provider new mycloud (for {name})"


def test_the_example_is_a_whole_provider_in_under_150_lines_of_code() -> None:
    modules = [path for path in (EXAMPLE / "mycloud").glob("*.py") if path.name not in ("testing.py", "api.py")]
    lines = [line for path in modules for line in path.read_text().splitlines() if line.strip()]
    assert len(lines) < 150
