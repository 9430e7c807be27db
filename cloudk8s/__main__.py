"""`python -m cloudk8s` and the `cloudk8s` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from cloudk8s.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while modules were imported
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
