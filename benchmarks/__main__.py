"""Run benchmarks one after the other and print their tables: `python -m benchmarks [NAME ...]`; all without names.

Each is a module of its own with options of its own: `python -m benchmarks.NAME --help`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def names() -> list[str]:
    """Every benchmark there is."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def main(wanted: Sequence[str]) -> int:
    if unknown := [name for name in wanted if name not in names()]:
        print(f"there is no benchmark {unknown[0]!r}; there is {', '.join(names())}", file=sys.stderr)
        return 2
    failed = []
    for name in wanted or names():
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
