from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.client.credentials import ExecCredentials, StaticCredentials
from cloudk8s.client.kubeconfig import Connection, ExecPlugin
from cloudk8s.errors import UserError
from cloudk8s.machinery.clock import FakeClock

SERVER = Connection(server="https://one", ca=b"CA")


def plugin(folder: Path, script: str) -> ExecPlugin:
    """A plugin that counts its runs in the file `runs`."""
    path = folder / "plugin.sh"
    path.write_text(f"#!/bin/sh\necho run >> {folder}/runs\n{script}\n")
    path.chmod(0o755)
    return ExecPlugin(str(path), (), {"WHO": "me"}, "client.authentication.k8s.io/v1", provide_cluster_info=True)


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text().splitlines())


async def test_a_plugin_runs_once_until_its_answer_expires(tmp_path: Path) -> None:
    clock = FakeClock()
    status = '{"token":"\'$WHO\'","expirationTimestamp":"2026-01-01T00:05:00Z"}'
    script = f"""echo '{{"kind":"ExecCredential","status":{status}}}'"""
    credentials = ExecCredentials(plugin(tmp_path, script), SERVER, clock=clock)
    assert (await credentials.current()).authorization == "Bearer me"
    await credentials.current()
    assert runs(tmp_path) == 1
    await clock.advance(291)
    await credentials.current()
    assert runs(tmp_path) == 2
    credentials.reject()
    await credentials.current()
    assert runs(tmp_path) == 3


async def test_a_plugin_may_give_a_certificate_and_sees_the_cluster(tmp_path: Path) -> None:
    script = (
        f'echo "$KUBERNETES_EXEC_INFO" > {tmp_path}/info\n'
        """echo '{"status":{"clientCertificateData":"C","clientKeyData":"K"}}'"""
    )
    credential = await ExecCredentials(plugin(tmp_path, script), SERVER, clock=FakeClock()).current()
    assert (credential.authorization, credential.certificate, credential.key) == ("", b"C", b"K")
    assert '"server":"https://one"' in (tmp_path / "info").read_text()


@pytest.mark.parametrize(
    ("script", "message"),
    [("echo oops >&2; exit 3", "failed with 3: oops"), ("echo hello", "not print"), ("echo '{}'", "no token")],
)
async def test_a_failing_plugin_is_explained(tmp_path: Path, script: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        await ExecCredentials(plugin(tmp_path, script), SERVER, clock=FakeClock()).current()


async def test_a_missing_plugin_is_explained() -> None:
    missing = ExecPlugin("/none/plugin", (), {}, "v1", install_hint="Install it.")
    with pytest.raises(UserError, match=r"cannot run /none/plugin.*Install it\."):
        await ExecCredentials(missing, SERVER, clock=FakeClock()).current()


async def test_basic_authentication() -> None:
    connection = Connection(server="https://one", username="u", password="p")
    assert (await StaticCredentials(connection).current()).authorization == "Basic dTpw"
