"""How a command's end is told on the error channel."""

from __future__ import annotations

from typing import Any

from cloudk8s.apiserver.streaming.channels import V4, V5
from cloudk8s.machinery import codec


def encode(protocol: str, exit_code: int) -> bytes:
    """A `metav1.Status` from v4 on; before, nothing for success and a text for failure."""
    if protocol in (V4, V5) or protocol.startswith("v4."):
        return codec.encode(status(exit_code))
    return b"" if exit_code == 0 else f"command terminated with non-zero exit code: exit status {exit_code}".encode()


def encode_failure(protocol: str, message: str) -> bytes:
    """The command could not be run at all."""
    if protocol in (V4, V5) or protocol.startswith("v4."):
        failure = {"metadata": {}, "status": "Failure", "message": message, "reason": "InternalError", "code": 500}
        cause = {"details": {"causes": [{"message": message}]}}
        return codec.encode(failure | cause)
    return message.encode()


def status(exit_code: int) -> dict[str, Any]:
    """Success, or NonZeroExitCode with the code as a cause."""
    if exit_code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {exit_code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(exit_code)}]},
    }
