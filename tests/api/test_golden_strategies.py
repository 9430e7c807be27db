"""Upstream's recorded defaults and findings, without a server; skipped where the corpus is absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api import golden_corpus
from tests.api.golden_run import Run

CASES = list(golden_corpus.cases("defaults", "validation"))


@pytest.mark.skipif(not CASES, reason="the golden corpus is not beside this checkout")
@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_strategy_answers_like_upstream(path: Path) -> None:
    root = golden_corpus.corpus()
    assert root
    if path.stem in golden_corpus.ELSEWHERE:
        pytest.skip(golden_corpus.ELSEWHERE[path.stem])
    run = Run(golden_corpus.load_replay(root), golden_corpus.load(path))
    run.run()
    assert run.differences == []
