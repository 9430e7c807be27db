"""Load the API server of a fresh cluster: `python -m benchmarks.apibench [options of the load generator]`.

Starts `cloudk8s up`, makes a token, and runs `apibench.py`, a load generator that works against any API server, from
the directory in CLOUDK8S_BENCH (else `../shared/bench` beside the checkout). Needs wrk.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.schedbench import cluster, script, token

UPSTREAM = """
upstream on a quiet machine with two cores, for ratios:
  get one pod 3,000/s   list 500 pods 33/s   list 5,000 pods 6.4/s   create a pod 910/s
  patch a pod's status 520/s   100 events to 500 watchers 34,000 deliveries/s
"""


def main(arguments: Sequence[str]) -> int:
    generator = script().with_name("apibench.py")
    if not generator.exists():
        print(f"{generator} does not exist; set CLOUDK8S_BENCH to its directory", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as home, cluster(Path(home)) as kubeconfig:
        server, secret = asyncio.run(token(kubeconfig))
        load = [sys.executable, str(generator), "--server", server, "--token", secret, *arguments]
        code = subprocess.run(load, check=False).returncode
    print(UPSTREAM)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
