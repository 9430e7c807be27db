"""Compile a profile to the kernel's own form, by libseccomp. All of it blocks."""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Sequence
from functools import cache
from typing import Final

from cloudk8s.node.runtimes.host.seccomp.profile import Condition, Profile, ProfileError, Rule

LIBRARY: Final = "libseccomp.so.2"
_UNKNOWN: Final = -1
_EXISTS, _DOMAIN = -17, -33
_NO_NEW_PRIVILEGES: Final = 3
"""SCMP_FLTATR_CTL_NNP: setting the bit is the shim's own decision."""


class _Argument(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def is_available() -> bool:
    """Whether this host has libseccomp."""
    try:
        return _library() is not None
    except ProfileError:
        return False


def compile_profile(profile: Profile) -> bytes:
    """The program for this machine's calls. Raises ProfileError."""
    library = _library()
    context = library.seccomp_init(profile.default_action)
    if not context:
        raise ProfileError("libseccomp does not take the profile's default action")
    try:
        library.seccomp_attr_set(ctypes.c_void_p(context), _NO_NEW_PRIVILEGES, 0)
        for name in profile.architectures:
            _add_architecture(library, context, name)
        for rule in profile.rules:
            if rule.action != profile.default_action:
                _add(library, context, rule)
        return _exported(library, context)
    finally:
        library.seccomp_release(ctypes.c_void_p(context))


def _add_architecture(library: ctypes.CDLL, context: int, name: str) -> None:
    token = library.seccomp_arch_resolve_name(name.removeprefix("SCMP_ARCH_").lower().encode())
    if token == 0:
        raise ProfileError(f"unknown architecture {name}")
    if (code := library.seccomp_arch_add(ctypes.c_void_p(context), token)) not in (0, _EXISTS, _DOMAIN):
        raise ProfileError(f"architecture {name}: {os.strerror(-code)}")


def _add(library: ctypes.CDLL, context: int, rule: Rule) -> None:
    """Calls that this machine does not know are passed over, as other runtimes do."""
    number = library.seccomp_syscall_resolve_name(rule.call.encode())
    if number == _UNKNOWN:
        return
    for conditions in _alternatives(rule.conditions):
        arguments = (_Argument * max(1, len(conditions)))(
            *(_Argument(each.argument, each.operator, each.value, each.second) for each in conditions)
        )
        code = library.seccomp_rule_add_array(ctypes.c_void_p(context), rule.action, number, len(conditions), arguments)
        if code not in (0, _EXISTS, _DOMAIN):
            raise ProfileError(f"seccomp rule for {rule.call}: {os.strerror(-code)}")


def _alternatives(conditions: Sequence[Condition]) -> Sequence[Sequence[Condition]]:
    """Several conditions on one argument are alternatives, as every runtime reads the profiles that have them."""
    arguments = [each.argument for each in conditions]
    return [conditions] if len(set(arguments)) == len(arguments) else [(each,) for each in conditions]


def _exported(library: ctypes.CDLL, context: int) -> bytes:
    with tempfile.TemporaryFile() as file:
        if (code := library.seccomp_export_bpf(ctypes.c_void_p(context), file.fileno())) != 0:
            raise ProfileError(f"the seccomp profile can't be compiled: {os.strerror(-code)}")
        file.seek(0)
        return file.read()


@cache
def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise ProfileError(f"seccomp profiles need libseccomp on this host: {error}") from error
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = (ctypes.c_uint32,)
    library.seccomp_arch_resolve_name.restype = ctypes.c_uint32
    library.seccomp_arch_add.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
    library.seccomp_rule_add_array.argtypes = (
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Argument),
    )  # fmt: skip
    return library
