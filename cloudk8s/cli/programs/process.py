"""From the command that has read a server's options to the server: the same process, begun anew with these options.

The command raises `Serve`, so that nothing of it goes on. The process executes itself with the same arguments and the
options in its environment (they are nobody else's business), and then imports the server alone.
"""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Final, NoReturn

from cloudk8s.cli.exit_codes import code_of

LOG_FORMAT: Final = "%(levelname)s %(name)s: %(message)s"
_VARIABLE: Final = "CLOUDK8S_SERVER"
"""What is to be run, and how; children of the server never see it."""


@dataclass(frozen=True, slots=True)
class _Order:
    program: str
    log_level: int
    options: str


class Serve(BaseException):
    """Run `cloudk8s.cli.programs.<program>` with its `Options`, in place of what runs now."""

    def __init__(self, program: str, options: object) -> None:
        super().__init__(program)
        self.program = program
        self.options = options

    def here(self) -> None:
        """Run it in this process as it is."""
        import_module(f"cloudk8s.cli.programs.{self.program}").run(self.options)

    def anew(self) -> NoReturn:
        """Run it in this process begun anew; files that are meant to be inherited stay open."""
        from cloudk8s.machinery import typed_settings

        level, options = logging.getLogger().level, typed_settings.encode(self.options).decode()
        order = typed_settings.encode(_Order(self.program, level, options)).decode()
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | {_VARIABLE: order})


def is_ordered() -> bool:
    """Whether this process was begun anew to be a server."""
    return _VARIABLE in os.environ


def serve() -> int:
    """Be the server that was ordered; returns the code to exit with."""
    from cloudk8s.machinery import typed_settings

    order = typed_settings.decode(_Order, os.environ.pop(_VARIABLE))
    logging.basicConfig(level=order.log_level, format=LOG_FORMAT)
    program = import_module(f"cloudk8s.cli.programs.{order.program}")
    return code_of(lambda: program.run(typed_settings.decode(program.Options, order.options)))
