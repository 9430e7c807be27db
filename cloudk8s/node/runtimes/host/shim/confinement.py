"""Confine the process that a container is about to become: a filter of system calls, an AppArmor profile."""

from __future__ import annotations

import base64
import ctypes
import errno
import os
from typing import Any

from cloudk8s.node.runtimes.host.shim import syscalls

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_INSTRUCTION = 8


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def prepare_profile(process: dict[str, Any]) -> None:
    """Have the next execve change to an AppArmor profile, which the host has loaded."""
    if profile := process.get("apparmor"):
        _write_profile(f"exec {profile}")


def filter_calls(process: dict[str, Any]) -> None:
    """Install the filter; without the privilege for that, new ones are given up for good, as the kernel demands."""
    text = process.get("seccomp")
    if not text:
        return
    code = base64.b64decode(text)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // _INSTRUCTION, ctypes.cast(buffer, ctypes.c_void_p))
    try:
        _install(program)
    except OSError as error:
        if error.errno != errno.EACCES:
            raise
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        _install(program)


def _install(program: _Program) -> None:
    syscalls.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(program))


def _write_profile(text: str) -> None:
    for path in ("/proc/thread-self/attr/apparmor/exec", "/proc/thread-self/attr/exec"):
        if os.path.exists(path):
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            return
    raise OSError(errno.ENOSYS, "AppArmor is not enabled on the host")
