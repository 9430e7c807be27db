"""Load an API server and compare with upstream: `python -m benchmarks.apibench [options of the load generator]`.

Starts `cloudk8s apiserver`, makes a token, runs `apibench.py`, a load generator that works against any API server, from
the directory in CLOUDK8S_BENCH (else `../shared/bench` beside the checkout), and prints a table. Needs wrk. Upstream's
figures are kube-apiserver 1.36 with etcd, on a quiet machine with two cores; compare ratios, not figures.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.running.servers import api_server, free_port, secret_of
from benchmarks.schedbench import script


@dataclass(frozen=True)
class Case:
    """One line of the table: upstream's rate and slowest hundredth, and how many times its rate is aimed at."""

    what: str
    rate: float
    p99_ms: float
    aim: float


CASES = {
    "get": Case("GET one 3 KB pod", 3000, 40, 5),
    "list500": Case("LIST 500 pods", 33, 300, 6),
    "list5000": Case("LIST 5,000 pods", 6.4, 550, 6),
    "create": Case("POST a pod, durable", 910, 100, 4),
    "patch": Case("PATCH a pod's status", 520, 190, 5),
    "watch": Case("100 events to 500 watches", 34000, 45, 2),
}


def main(arguments: Sequence[str]) -> int:
    generator = script().with_name("apibench.py")
    if not generator.exists():
        print(f"{generator} does not exist; set CLOUDK8S_BENCH to its directory", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as home, api_server(Path(home), port=free_port()) as server:
        load = [sys.executable, str(generator), "--server", server.url, "--token", secret_of(server), *arguments]
        done = subprocess.run(load, check=False, stdout=subprocess.PIPE, text=True)
        resident = server.resident_megabytes
    if done.returncode:
        return done.returncode
    show(json.loads(done.stdout.splitlines()[-1]))
    print(f"\nresident afterwards: {resident:.0f} MB")
    return 0


def show(results: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{'':<26} {'rate':>10} {'p99':>9} {'upstream':>10} {'p99':>8} {'ratio':>7} {'aim':>5}")
    for name, case in CASES.items():
        found = results.get(name)
        if not found:
            continue
        rate = found.get("rps") or found.get("per_s") or 0.0
        bad = f"  {found['bad']} answers were errors" if found.get("bad") else ""
        measured = f"{rate:>8,.0f}/s {found['p99_ms'] or 0.0:>6.0f} ms"
        wanted = f"{case.rate:>8,.0f}/s {case.p99_ms:>5.0f} ms"
        print(f"{case.what:<26} {measured} {wanted} {rate / case.rate:>6.1f}x {case.aim:>4.0f}x{bad}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
