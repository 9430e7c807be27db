"""Linux capabilities by name, and the set that a container's security context leaves."""

from __future__ import annotations

from cloudk8s.node.runtimes.interface import Security

NAMES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
)  # fmt: skip
DEFAULT = (
    "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
    "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
)  # fmt: skip
_ALL = (1 << len(NAMES)) - 1


def mask(security: Security) -> int:
    """The capabilities a container keeps, as bits: the default ones, without the dropped, with the added."""
    if security.privileged:
        return _ALL
    added, dropped = _bits(security.capabilities_add), _bits(security.capabilities_drop)
    kept = _bits(DEFAULT)
    if _is_all(security.capabilities_add):
        return _ALL & ~dropped
    if _is_all(security.capabilities_drop):
        return added
    return (kept & ~dropped) | added


def names(security: Security) -> tuple[str, ...]:
    """The same by name."""
    kept = mask(security)
    return tuple(name for bit, name in enumerate(NAMES) if kept >> bit & 1)


def _is_all(names: tuple[str, ...]) -> bool:
    return any(name.upper() == "ALL" for name in names)


def _bits(names: tuple[str, ...]) -> int:
    wanted = {name.upper().removeprefix("CAP_") for name in names}
    return sum(1 << bit for bit, name in enumerate(NAMES) if name in wanted)
