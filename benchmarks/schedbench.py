"""Create and bind pods through the API of a fresh cluster: `python -m benchmarks.schedbench [--nodes N] [--pods N]`.

Starts `cloudk8s up`, makes a token, and runs `schedbench.py`, a load generator that works against any API server, from
the directory in CLOUDK8S_BENCH (else `../shared/bench` beside the checkout). `--spy FILE` profiles the server with
py-spy meanwhile.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.running.servers import cluster, free_port, secret_of

UPSTREAM = 350
"""Pods per second of kube-scheduler with kube-apiserver and etcd, on a quiet machine with two cores."""


def script() -> Path:
    """The load generator."""
    beside = Path(__file__).parents[2] / "shared" / "bench"
    return Path(os.environ.get("CLOUDK8S_BENCH", beside)) / "schedbench.py"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=2000)
    parser.add_argument("--spy", type=Path, help="write a flame graph of the server here")
    chosen = parser.parse_args(arguments)
    if not script().exists():
        print(f"{script()} does not exist; set CLOUDK8S_BENCH to its directory", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as home, cluster(Path(home), port=free_port()) as server:
        secret = secret_of(server)
        spy = _spy(chosen.spy, server.pid) if chosen.spy else None
        load = ["--server", server.url, "--token", secret, "--nodes", str(chosen.nodes), "--pods", str(chosen.pods)]
        code = subprocess.run([sys.executable, str(script()), *load], check=False).returncode
        if spy is not None:
            spy.send_signal(2)
            spy.wait()
    print(f"upstream on a quiet machine: {UPSTREAM} pods/s; the aim is three times that")
    return code


def _spy(output: Path, pid: int) -> subprocess.Popen[bytes]:
    form = "raw" if output.suffix == ".txt" else "flamegraph"
    command = ["py-spy", "record", "-r", "200", "-f", form, "-o", str(output), "-p", str(pid)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
