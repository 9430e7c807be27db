"""Load an API server and compare with upstream: `python -m benchmarks.apibench [options of the load generator]`.

Starts `cloudk8s apiserver`, makes a token, runs `apibench.py`, a load generator that works against any API server, from
the directory in CLOUDK8S_BENCH (else `../shared/bench` beside the checkout), and prints a table. Needs wrk. Upstream's
figures are kube-apiserver 1.36 with etcd, on a quiet machine with two cores; compare ratios, not figures.

`--upstream FOLDER` runs the kube-apiserver in that folder, and etcd, in turns with ours (`--rounds`, 3) and compares
the medians of both: ratios of the same minutes, whatever the machine does that day.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

from benchmarks.running.servers import Server, api_server, free_port, secret_of
from benchmarks.running.upstream import upstream_api_server
from benchmarks.schedbench import script


@dataclass(frozen=True)
class Result:
    """What was measured of a case; `bad` counts answers that were errors."""

    rate: float
    p99_ms: float
    bad: int = 0


@dataclass(frozen=True)
class Case:
    """One line of the table: what upstream was measured to do, and how many times its rate is aimed at."""

    what: str
    upstream: Result
    aim: float


Results: TypeAlias = dict[str, Result]

CASES = {
    "get": Case("GET one 3 KB pod", Result(3000, 40), 5),
    "list500": Case("LIST 500 pods", Result(33, 300), 6),
    "list5000": Case("LIST 5,000 pods", Result(6.4, 550), 6),
    "create": Case("POST a pod, durable", Result(910, 100), 4),
    "patch": Case("PATCH a pod's status", Result(520, 190), 5),
    "watch": Case("100 events to 500 watches", Result(34000, 45), 2),
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upstream", type=Path, metavar="FOLDER", help="of kube-apiserver, to run in turns with ours")
    parser.add_argument("--rounds", type=int, default=3, help="how often each of the two is measured")
    chosen, load = parser.parse_known_args(arguments)
    if not _generator().exists():
        print(f"{_generator()} does not exist; set CLOUDK8S_BENCH to its directory", file=sys.stderr)
        return 2
    if chosen.upstream is None:
        with tempfile.TemporaryDirectory() as home, api_server(Path(home), port=free_port()) as server:
            show(_measured(server, load))
            print(f"\nresident afterwards: {server.resident_megabytes:.0f} MB")
        return 0
    ours, theirs = [], []
    for _ in range(chosen.rounds):
        with tempfile.TemporaryDirectory() as home, upstream_api_server(Path(home), chosen.upstream) as server:
            theirs.append(_measured(server, load))
        with tempfile.TemporaryDirectory() as home, api_server(Path(home), port=free_port()) as server:
            ours.append(_measured(server, load))
    show(_medians(ours), _medians(theirs))
    return 0


def _generator() -> Path:
    return script().with_name("apibench.py")


def _measured(server: Server, load: Sequence[str]) -> Results:
    command = [sys.executable, str(_generator()), "--server", server.url, "--token", secret_of(server), *load]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {name: _result(found[name]) for name in CASES if name in found}


def _result(found: dict[str, Any]) -> Result:
    return Result(found.get("rps") or found.get("per_s") or 0.0, found["p99_ms"] or 0.0, found.get("bad", 0))


def _medians(rounds: Sequence[Results]) -> Results:
    every = {name: [each[name] for each in rounds] for name in rounds[0]}
    return {
        name: Result(median(r.rate for r in found), median(r.p99_ms for r in found), max(r.bad for r in found))
        for name, found in every.items()
    }


def show(ours: Results, theirs: Results | None = None) -> None:
    """Print the table; upstream's figures are those of the cases where none were measured."""
    print(f"{'':<26} {'rate':>10} {'p99':>9} {'upstream':>10} {'p99':>8} {'ratio':>7} {'aim':>5}")
    for name, found in ours.items():
        case = CASES[name]
        other = theirs[name] if theirs else case.upstream
        bad = "".join(
            f"  {each.bad} of {whose} answers were errors"
            for whose, each in (("our", found), ("its", other))
            if each.bad
        )
        measured = f"{found.rate:>8,.0f}/s {found.p99_ms:>6.0f} ms"
        wanted = f"{other.rate:>8,.1f}/s {other.p99_ms:>5.0f} ms"
        print(f"{case.what:<26} {measured} {wanted} {found.rate / other.rate:>6.1f}x {case.aim:>4.0f}x{bad}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
