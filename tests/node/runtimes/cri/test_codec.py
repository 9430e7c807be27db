"""CRI's messages on the wire."""

from __future__ import annotations

import pytest

from cloudk8s.node.runtimes.cri import translation
from cloudk8s.node.runtimes.cri.codec import decode, encode
from cloudk8s.node.runtimes.cri.messages import MESSAGES
from cloudk8s.node.runtimes.interface import ContainerConfig, Mount, SandboxConfig, UserRange


def test_known_bytes() -> None:
    assert encode("VersionRequest", {"version": "v1"}) == b"\x0a\x02v1"
    assert encode("ExecSyncRequest", {"container_id": "c", "cmd": ["a", "b"], "timeout": 300}) == (
        b"\x0a\x01c\x12\x01a\x12\x01b\x18\xac\x02"
    )
    assert encode("LinuxContainerResources", {"cpu_quota": -1}) == b"\x10" + b"\xff" * 9 + b"\x01"
    assert encode("PodSandboxFilter", {"label_selector": {"k": "v"}}) == b"\x1a\x06\x0a\x01k\x12\x01v"


def test_what_is_empty_is_left_out_and_comes_back_as_empty() -> None:
    assert (
        encode("ContainerConfig", {"working_dir": "", "stdin": False, "command": [], "labels": {}, "linux": None})
        == b""
    )
    assert decode("ListContainersResponse", b"") == {"containers": []}


def test_messages_survive_the_journey() -> None:
    config = {
        "metadata": {"name": "c", "attempt": 3},
        "command": ["sh", "-c", "ü"],
        "envs": [{"key": "A", "value": ""}, {"key": "B", "value": "x\ny"}],
        "labels": {"a": "b", "c": ""},
        "tty": True,
        "linux": {"security_context": {"supplemental_groups": [1, 65534], "run_as_user": {"value": 1000}}},
    }

    back = decode("ContainerConfig", encode("ContainerConfig", config))

    assert back["metadata"] == config["metadata"]
    assert back["command"] == config["command"]
    assert [each.get("value", "") for each in back["envs"]] == ["", "x\ny"]
    assert back["labels"] == config["labels"]
    assert back["linux"]["security_context"]["supplemental_groups"] == [1, 65534]
    assert back["linux"]["security_context"]["run_as_user"] == {"value": 1000}


def test_users_of_a_pod_are_asked_for_in_the_sandbox_the_container_and_its_mounts() -> None:
    users = UserRange(131_072)
    sandbox = translation.sandbox_config(SandboxConfig("p", "default", "u", users=users))
    config = ContainerConfig("c", "image", mounts=(Mount("/v", "/host"),))
    container = translation.container_config(config, users)
    mapping = [{"host_id": 131_072, "length": 65_536}]

    back = decode("PodSandboxConfig", encode("PodSandboxConfig", sandbox))
    asked = back["linux"]["security_context"]["namespace_options"]["userns_options"]
    assert asked == {"uids": mapping, "gids": mapping}, "mode 0 is the pod's own"
    back = decode("ContainerConfig", encode("ContainerConfig", container))
    assert back["linux"]["security_context"]["namespace_options"]["userns_options"] == asked
    assert back["mounts"][0]["uidMappings"] == back["mounts"][0]["gidMappings"] == mapping


def test_a_pod_with_the_hosts_users_says_so() -> None:
    container = translation.container_config(ContainerConfig("c", "image", mounts=(Mount("/v", "/host"),)))
    back = decode("ContainerConfig", encode("ContainerConfig", container))
    options = back["linux"]["security_context"]["namespace_options"]
    assert options["userns_options"] == {"mode": 2, "uids": [], "gids": []}
    assert back["mounts"][0]["uidMappings"] == []


def test_users_are_remembered_in_words() -> None:
    users = UserRange(131_072, 2 * 65_536)
    assert translation.users_of_text(translation.users_as_text(users)) == users
    assert translation.users_of_text(translation.users_as_text(None)) is None


def test_negative_numbers_and_unknown_fields_are_read() -> None:
    assert decode("LinuxContainerResources", b"\x10" + b"\xff" * 9 + b"\x01\xfa\x06\x01x")["cpu_quota"] == -1


def test_an_unknown_name_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        encode("VersionRequest", {"verison": "v1"})


def test_every_type_in_the_table_is_known() -> None:
    scalars = {"string", "int", "bool", "bytes", "map"}
    for name, message in MESSAGES.items():
        for field in message.by_name.values():
            assert field.kind in scalars or field.kind in MESSAGES, f"{name}.{field.name}"
