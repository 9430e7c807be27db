from __future__ import annotations

import subprocess
import sys

CODE = """
import asyncio
from cloudk8s.controlplane.signals import until_stopped
asyncio.run(until_stopped(with_input=True))
"""


def test_the_end_of_input_is_a_request_to_stop():
    process = subprocess.Popen([sys.executable, "-c", CODE], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"not the end")
    process.stdin.flush()
    try:
        process.wait(0.5)
    except subprocess.TimeoutExpired:
        process.stdin.close()
    assert process.wait(10) == 0
