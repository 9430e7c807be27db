"""Profiles become programs of the kernel, and those keep a process from what they forbid."""

from __future__ import annotations

import base64
import errno
import json
import os
import sys
from pathlib import Path

import pytest

from cloudk8s.node.runtimes.host.seccomp.compiler import compile_profile, is_available
from cloudk8s.node.runtimes.host.seccomp.default import default_profile
from cloudk8s.node.runtimes.host.seccomp.profile import Profile, ProfileError, read
from cloudk8s.node.runtimes.host.seccomp.program import filter_for
from cloudk8s.node.runtimes.host.shim import confinement
from cloudk8s.node.runtimes.interface import Security

pytestmark = pytest.mark.skipif(not is_available(), reason="libseccomp is not installed")
NO_MKDIR = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["mkdir", "mkdirat", "no_such_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}],
}


def written(directory: Path, profile: object) -> Path:
    path = directory / "profile.json"
    path.write_text(json.dumps(profile))
    return path


def confined(program: bytes, script: str) -> int:
    """The exit code of Python code that runs under a filter."""
    pid = os.fork()
    if pid == 0:
        try:
            confinement.filter_calls({"seccomp": base64.b64encode(program).decode()})
            os.execv(sys.executable, [sys.executable, "-c", script])
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


TRY = """
import sys
try:
    {}
except OSError as error:
    sys.exit(error.errno)
"""


def test_a_users_profile_forbids_what_it_names(tmp_path: Path) -> None:
    program = compile_profile(read(written(tmp_path, NO_MKDIR)))
    assert confined(program, TRY.format(f"__import__('os').mkdir('{tmp_path}/new')")) == errno.EACCES
    assert confined(program, TRY.format(f"open('{tmp_path}/file', 'w')")) == 0


def test_rules_count_by_capability(tmp_path: Path) -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [
            {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        ],
    }
    path = written(tmp_path, profile)
    assert [rule.call for rule in read(path).rules] == ["read"]
    assert [rule.call for rule in read(path, ["SYS_ADMIN"]).rules] == ["read", "mount"]


@pytest.mark.parametrize(
    ("profile", "words"),
    [({"defaultAction": "SCMP_ACT_NOTHING"}, "unknown seccomp action"), ("{", "cannot load"), ({}, "cannot load")],
)
def test_a_profile_that_can_not_be_is_refused(tmp_path: Path, profile: object, words: str) -> None:
    with pytest.raises(ProfileError, match=words):
        read(written(tmp_path, profile))
    with pytest.raises(ProfileError, match="cannot load"):
        read(tmp_path / "absent.json")


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(ProfileError, match="unknown architecture"):
        compile_profile(Profile(0x7FFF0000, (), ("SCMP_ARCH_ABACUS",)))


def test_the_default_keeps_containers_from_the_hosts_affairs() -> None:
    program = compile_profile(default_profile(()))
    unshare = "r = __import__('ctypes').CDLL(None, use_errno=True); {}; import ctypes; sys.exit(ctypes.get_errno())"
    assert confined(program, f"import sys; {unshare.format('r.unshare(0x04000000)')}") == errno.EPERM
    assert confined(program, f"import sys; {unshare.format('r.unshare(0)')}") == errno.EPERM
    works = "import os, threading; t = threading.Thread(target=print); t.start(); t.join(); os.system('true')"
    assert confined(program, works) == 0


def test_a_capability_allows_what_comes_with_it() -> None:
    calls = {rule.call for rule in default_profile(("SYS_ADMIN",)).rules}
    assert "mount" not in calls
    assert "reboot" in calls


def test_security_settings_choose_the_filter(tmp_path: Path) -> None:
    assert filter_for(Security()) == ""
    assert filter_for(Security(privileged=True, seccomp="RuntimeDefault")) == ""
    assert filter_for(Security(seccomp="RuntimeDefault")) == filter_for(Security(seccomp="RuntimeDefault"))
    assert filter_for(Security(seccomp=str(written(tmp_path, NO_MKDIR))))
