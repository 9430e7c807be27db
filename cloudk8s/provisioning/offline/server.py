"""The emulator process: moto's server on loopback until it is told to stop."""

from __future__ import annotations

import os
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloudk8s.errors import SettingsError
from cloudk8s.provisioning.offline.process import ServerState, clear_state, write_state


def serve(state_file: Path, *, port: int = 0, bind: str = "127.0.0.1") -> None:
    """Serve until SIGTERM or SIGINT; raises SettingsError where moto is not installed."""
    server = start_emulator(bind, port)
    host, chosen = server.get_host_and_port()
    write_state(state_file, ServerState(os.getpid(), f"http://{host}:{chosen}", _now()))
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        stopped.wait()
    finally:
        clear_state(state_file)
        server.stop()


def start_emulator(bind: str = "127.0.0.1", port: int = 0) -> Any:
    """A running emulator in this process; call `stop` on it."""
    os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # a thousand images that nobody asks for
    try:
        from moto.server import ThreadedMotoServer
    except ImportError as error:
        raise SettingsError("--offline needs an emulator: pip install 'cloudk8s[offline]'") from error
    import logging

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(bind, port, verbose=False)
    server.start()
    return server


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
