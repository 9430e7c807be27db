"""`python -m cloudk8s` and the `cloudk8s` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from cloudk8s.cli.programs import process

        code = process.serve() if process.is_ordered() else _command()
    except KeyboardInterrupt:  # while modules were imported
        code = 130
    sys.exit(code)


def _command() -> int:
    from cloudk8s.cli.app import run

    return run(sys.argv[1:], owns_process=True)


if __name__ == "__main__":
    main()
