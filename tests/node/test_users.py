from __future__ import annotations

from cloudk8s.node.users import is_alone


def test_root_of_a_namespace_with_one_user_is_alone():
    assert is_alone("         0       1001          1\n")
    assert not is_alone("         0          0 4294967295\n")
    assert not is_alone("0 1001 1\n1 100000 65536\n")
    assert not is_alone("")
