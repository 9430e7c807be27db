"""The runner of upstream's conformance suite reads its reports, and its images can be loaded."""

from __future__ import annotations

import re
from pathlib import Path

from cloudk8s.node.runtimes.host.images.archive import load
from cloudk8s.node.runtimes.host.images.store import ImageStore
from tests.conformance import images, run

REPORT = """<testsuite>
<testcase name="[sig-apps] A works [Conformance]" time="1.25"></testcase>
<testcase name="[k8s.io] B should (not) fail [Conformance]" time="2">
<failure type="Failure">/src/x.go:12
Unexpected error:
    it broke
occurred</failure></testcase>
<testcase name="[sig-cli] C" time="0"><skipped></skipped></testcase>
</testsuite>"""


def test_reports_become_outcomes_and_a_table(tmp_path: Path) -> None:
    (tmp_path / "junit_01.xml").write_text(REPORT)
    found = run.outcomes(tmp_path)
    assert found == {
        "[sig-apps] A works [Conformance]": {"outcome": "passed", "seconds": 1.2, "reason": ""},
        "[k8s.io] B should (not) fail [Conformance]": {"outcome": "failed", "seconds": 2.0, "reason": "it broke"},
    }
    lines = list(run.table(found))
    assert "| all | 2 | 1 | 1 |\n" in lines
    assert lines[-1] == "- [k8s.io] B should (not) fail: it broke"


def test_specs_that_failed_are_asked_for_by_their_names() -> None:
    name = "[k8s.io] B: 50% (not) a.b"
    (pattern,) = run.exactly([name])
    assert re.fullmatch(pattern, name)
    assert not re.fullmatch(pattern, "[k8s.io] B: 50% (not) aXb")


def test_stand_ins_can_be_loaded(tmp_path: Path) -> None:
    own = {stand.name: [images.own_layer(stand)] for stand in images.STANDS}
    images.write(own, tmp_path / "images.tar")
    loaded = load(ImageStore(tmp_path / "store", is_overlay=False), tmp_path / "images.tar")
    assert {tag for image in loaded for tag in image.tags} == {stand.name for stand in images.STANDS}
