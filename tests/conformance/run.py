"""Run specs of upstream's conformance suite against a cluster, and print a table of what passed.

    python -m tests.conformance.run --suite e2e.test --kubeconfig ~/.kube/config 'sig-apps.*Conformance'

Arguments are regular expressions of spec names; without any, all of the suite. Outcomes are added to `--results`, so
that a suite may be run in pieces, and again in part; `--again` runs those that failed before. One spec runs at a time.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as Tree
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

CONFORMANCE = r"\[Conformance\]"
TAG = re.compile(r" \[[A-Za-z:]+\]")
GROUP = re.compile(r"\[(sig-[a-z-]+|k8s\.io)\]")

Outcomes: TypeAlias = dict[str, dict[str, str | float]]
"""What became of each spec: `outcome`, `seconds`, and `reason` where it failed."""


def command(options: argparse.Namespace, reports: Path) -> list[str]:
    """How the suite is called."""
    focus = "|".join(options.specs)
    return [
        str(options.suite),
        f"--kubeconfig={options.kubeconfig.absolute()}",
        f"--report-dir={reports}",
        "--provider=skeleton",
        "--minStartupPods=0",
        "--disable-log-dump",
        "--dump-logs-on-failure=false",
        "--ginkgo.noColor",
        f"--ginkgo.focus={focus}" if focus else f"--ginkgo.focus={CONFORMANCE}",
        *([f"--ginkgo.skip={options.skip}"] if options.skip else []),
        *([f"--kubectl-path={options.kubectl}"] if options.kubectl else []),
        *options.suite_option,
    ]


@contextmanager
def tokens(kubeconfig: Path) -> Iterator[None]:
    """Give service accounts the Secrets that suites before 1.24 wait for."""
    module = "tests.conformance.legacy_tokens"
    process = subprocess.Popen([sys.executable, "-m", module, "--kubeconfig", str(kubeconfig)])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def outcomes(reports: Path) -> Outcomes:
    """What the reports of a run say of the specs that were run."""
    found: Outcomes = {}
    for report in reports.glob("junit_*.xml"):
        for case in Tree.parse(report).getroot().iter("testcase"):
            if case.find("skipped") is None:
                failure = case.find("failure")
                reason = "" if failure is None else first_line(failure.text or "")
                found[case.get("name", "")] = {
                    "outcome": "passed" if failure is None else "failed",
                    "seconds": round(float(case.get("time", "0")), 1),
                    "reason": reason,
                }
    return found


def first_line(text: str) -> str:
    """The first line of a failure that says something about it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if not re.match(r"(/|\S+\.go:\d+|Unexpected error:$|<.*>:|\{$|\w{3} +\d+ )", line)]
    return (said or lines or [""])[0][:300]


def table(found: Mapping[str, Mapping[str, object]]) -> Iterable[str]:
    """A line for each group, and one for each spec that failed."""
    ran = Counter(group(name) for name in found)
    passed = Counter(group(name) for name, each in found.items() if each["outcome"] == "passed")
    yield "| group | run | passed | failed |\n|---|---|---|---|"
    for name in sorted(ran):
        yield f"| {name} | {ran[name]} | {passed[name]} | {ran[name] - passed[name]} |"
    yield f"| all | {ran.total()} | {passed.total()} | {ran.total() - passed.total()} |\n"
    for name, each in sorted(found.items()):
        if each["outcome"] == "failed":
            yield f"- {TAG.sub('', name)}: {each['reason']}"


def group(name: str) -> str:
    found = GROUP.search(name)
    return found[1] if found else "others"


def exactly(names: Iterable[str]) -> list[str]:
    """Regular expressions of these specs and no others."""
    return [re.sub(r"([^\w\s])", r"\\\1", name) for name in names]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Run specs of upstream's conformance suite.")
    parser.add_argument("specs", nargs="*", help="regular expressions of spec names")
    parser.add_argument("--suite", type=Path, help="the program e2e.test; without it results are shown")
    parser.add_argument("--kubeconfig", type=Path, default=Path.home() / ".kube" / "config")
    parser.add_argument("--results", type=Path, default=Path("results.json"), help="outcomes, read and written")
    parser.add_argument("--skip", default="", help="a regular expression of specs to leave out")
    parser.add_argument("--kubectl", type=Path, help="a kubectl of the suite's version; that of this host otherwise")
    parser.add_argument("--again", action="store_true", help="run what failed before")
    parser.add_argument("--log", type=Path, default=Path("e2e.log"), help="where the suite's own words go")
    parser.add_argument("--suite-option", action="append", default=[], help="one for e2e.test: =--name=value")
    options = parser.parse_args(arguments)
    before: Outcomes = json.loads(options.results.read_text()) if options.results.exists() else {}
    if options.again:
        options.specs = exactly(name for name, each in before.items() if each["outcome"] == "failed")
    if options.suite is not None:
        with tempfile.TemporaryDirectory() as reports, options.log.open("ab") as log, tokens(options.kubeconfig):
            subprocess.run(command(options, Path(reports)), stdout=log, stderr=subprocess.STDOUT, check=False)
            now = outcomes(Path(reports))
        # Read again: another run may have written meanwhile.
        before = json.loads(options.results.read_text()) if options.results.exists() else {}
        options.results.write_text(json.dumps(before | now, indent=1, sort_keys=True))
    else:
        now = before
    print("\n".join(table(now)))
    return 1 if any(each["outcome"] == "failed" for each in now.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
