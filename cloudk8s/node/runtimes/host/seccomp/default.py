"""`RuntimeDefault`: everything is allowed but what containers have no business with.

The calls are those that Docker's documentation says its default profile blocks, and later ones of the same sort:
https://docs.docker.com/engine/security/seccomp/. Calls that come with a capability are allowed to who has it. Unlike an
allow-list, a call that a later kernel brings is not blocked.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from cloudk8s.node.runtimes.host.seccomp.profile import ALLOW, ENOSYS, Condition, Profile, Rule, action

_NEVER: Final = (
    "add_key", "get_mempolicy", "keyctl", "mbind", "migrate_pages", "move_pages", "nfsservctl", "request_key",
    "set_mempolicy", "set_mempolicy_home_node", "sysfs", "_sysctl", "uselib", "userfaultfd", "ustat", "vm86", "vm86old",
    "create_module", "get_kernel_syms", "query_module", "io_uring_enter", "io_uring_register", "io_uring_setup",
)  # fmt: skip
_WITH: Final = {
    "SYS_ADMIN": (
        "fsconfig", "fsmount", "fsopen", "fspick", "lookup_dcookie", "mount", "mount_setattr", "move_mount",
        "open_tree", "pivot_root", "quotactl", "quotactl_fd", "setdomainname", "sethostname", "setns", "swapoff",
        "swapon", "umount", "umount2", "unshare", "bpf", "perf_event_open", "fanotify_init",
    ),
    "SYS_BOOT": ("reboot", "kexec_load", "kexec_file_load"),
    "SYS_MODULE": ("delete_module", "init_module", "finit_module"),
    "SYS_PACCT": ("acct",),
    "SYS_PTRACE": ("kcmp", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd"),
    "SYS_RAWIO": ("ioperm", "iopl"),
    "SYS_TIME": ("clock_adjtime", "clock_adjtime64", "clock_settime", "clock_settime64", "settimeofday", "stime"),
    "DAC_READ_SEARCH": ("open_by_handle_at",),
}  # fmt: skip
"""By the capability that allows them."""
_NEW_NAMESPACES: Final = 0x7E020000
_MASKED: Final = 7


def default_profile(capabilities: Collection[str]) -> Profile:
    """The profile for a container with these capabilities, named without CAP_."""
    refused = action("SCMP_ACT_ERRNO")
    rules = [Rule(call, refused) for call in _NEVER]
    rules += [
        Rule(call, refused) for capability, calls in _WITH.items() if capability not in capabilities for call in calls
    ]
    if "SYS_ADMIN" not in capabilities:
        rules += [Rule("clone", refused, (Condition(0, _MASKED, 1 << bit, 1 << bit),)) for bit in _bits()]
        rules.append(Rule("clone3", action("SCMP_ACT_ERRNO", ENOSYS)))
    return Profile(ALLOW, rules)


def _bits() -> list[int]:
    """The flags of clone that make namespaces."""
    return [bit for bit in range(32) if _NEW_NAMESPACES >> bit & 1]
