"""Leader migration: controllers move between managers during a rolling upgrade and never run twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from cloudk8s.client.leader_election import LeaderElection, LeadershipLost
from cloudk8s.client.resources import LEASES
from cloudk8s.cloud.controllers.assembly import NODE, NODE_LIFECYCLE, ROUTE, SERVICE
from cloudk8s.controllers.names import ELSEWHERE
from cloudk8s.controllers.registry import Registration, built_in_controllers
from cloudk8s.controlplane.controller_leases import ControllerLeases
from cloudk8s.controlplane.leader_migration import LeaderMigration, load_migration
from cloudk8s.controlplane.led import lead, leadership
from cloudk8s.errors import ServiceUnavailable, SettingsError
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.exposition import page
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.testing.fake_client import Action, FakeClient

OLD, NEW = "kube-controller-manager", "cloud-controller-manager"
SECOND = "cloud-provider-extraction-migration"
FILE = """
apiVersion: controllermanager.config.k8s.io/v1
kind: LeaderMigrationConfiguration
leaderName: moving
controllerLeaders:
- {name: service, component: kube-controller-manager}
- {name: node-ipam-controller, component: "*"}
"""


def of(component: str) -> list[Registration]:
    """The manager's controllers; the old one is upstream's, which had those of clouds once."""
    names = [NODE] if component == NEW else ["namespace-controller"]
    return [Registration(name, lambda context: None) for name in (*names, ROUTE, SERVICE, NODE_LIFECYCLE)]  # type: ignore[arg-type,return-value]


class Manager:
    """A replica of a controller manager; `running` are the controllers that it runs now."""

    def __init__(
        self, client: FakeClient, clock: FakeClock, component: str, identity: str = "", *,
        migration: LeaderMigration | None = None,
    ) -> None:  # fmt: skip
        self.running: set[str] = set()
        leases = ControllerLeases(LeaderElection(component, identity or component), migration)
        self.leds = leases.led(self._control, of(component), component=component, client=client, clock=clock)
        self.task = asyncio.create_task(lead(*self.leds))

    async def _control(self, registrations: Sequence[Registration], election: LeaderElection | None) -> None:
        names = {each.name for each in registrations}
        assert not names & self.running
        self.running |= names
        try:
            await asyncio.Event().wait()
        finally:
            self.running -= names

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(clock: FakeClock) -> FakeClient:
    return FakeClient(clock=clock)


def holder(client: FakeClient, lease: str) -> str:
    found = client.peek(LEASES, lease, "kube-system")
    return str(found["spec"]["holderIdentity"]) if found else ""


def only(component: str, *names: str) -> LeaderMigration:
    return LeaderMigration.model_validate(
        {"controllerLeaders": [{"name": name, "component": component} for name in names]}
    )


def test_the_default_is_upstreams() -> None:
    default = LeaderMigration()
    assert default.leader_name == SECOND
    assert [(each.name, each.component) for each in default.controller_leaders] == [
        ("route", "*"), ("service", "*"), ("cloud-node-lifecycle", "*"),
    ]  # fmt: skip


def test_controllers_are_divided_by_lease_under_old_names_and_new_ones() -> None:
    ours = of(NEW)
    divided = LeaderMigration().divide(ours, NEW)
    assert [each.name for each in divided.main] == [NODE]
    assert [each.name for each in divided.migrated] == [ROUTE, SERVICE, NODE_LIFECYCLE]
    assert only("*", ROUTE, SERVICE, NODE_LIFECYCLE).divide(ours, NEW) == divided


def test_what_is_another_managers_runs_nowhere_here() -> None:
    divided = only(OLD, "route").divide(of(NEW), NEW)
    assert ROUTE not in {each.name for each in (*divided.main, *divided.migrated)}
    assert {each.name for each in divided.main} == {NODE, SERVICE, NODE_LIFECYCLE}


def test_of_our_controller_manager_node_ranges_are_all_that_can_move() -> None:
    ours = built_in_controllers().select(["*"])
    assert {SERVICE, ROUTE, NODE_LIFECYCLE} <= set(ELSEWHERE)
    assert LeaderMigration().divide(ours, OLD).migrated == []
    divided = only("*", "service", "nodeipam").divide(ours, OLD)
    assert [each.name for each in divided.migrated] == ["node-ipam-controller"]
    assert len(divided.main) == len(ours) - 1


async def test_what_moves_waits_for_the_second_lease(client: FakeClient, clock: FakeClock) -> None:
    manager = Manager(client, clock, NEW, "new", migration=LeaderMigration())
    await clock.advance(5)
    assert manager.running == {NODE, ROUTE, SERVICE, NODE_LIFECYCLE}
    assert (holder(client, NEW), holder(client, SECOND)) == ("new", "new")
    await manager.stop()
    assert (holder(client, NEW), holder(client, SECOND)) == ("", "")


async def test_without_migration_there_is_one_lease(client: FakeClient, clock: FakeClock) -> None:
    manager = Manager(client, clock, NEW)
    await clock.advance(5)
    assert manager.running == {NODE, ROUTE, SERVICE, NODE_LIFECYCLE}
    assert client.peek(LEASES, SECOND, "kube-system") is None
    await manager.stop()


async def test_without_an_election_there_is_no_lease(client: FakeClient, clock: FakeClock) -> None:
    ran: list[int] = []

    async def control(registrations: Sequence[Registration], election: LeaderElection | None) -> None:
        ran.append(len(registrations))

    leases = ControllerLeases(None, LeaderMigration())
    await lead(*leases.led(control, of(NEW), component=NEW, client=client, clock=clock))
    assert ran == [4]
    assert client.all(LEASES) == []


async def test_a_rolling_upgrade_moves_them_and_they_never_run_twice(client: FakeClient, clock: FakeClock) -> None:
    moving = {ROUTE, SERVICE, NODE_LIFECYCLE}
    old = [Manager(client, clock, OLD, f"old-{n}", migration=LeaderMigration()) for n in range(2)]
    await clock.advance(30)
    new: list[Manager] = []
    for replica in old:
        new.append(Manager(client, clock, NEW, f"new-{len(new)}", migration=LeaderMigration()))
        for _ in range(40):
            await clock.advance(1)
            assert all(sum(name in each.running for each in (*old, *new)) <= 1 for name in moving)
        assert any(NODE in each.running for each in new), "what does not move does not wait"
        await replica.stop()
    await clock.advance(30)
    assert any(each.running >= moving for each in new)
    for each in new:
        await each.stop()


async def test_nobody_takes_the_second_lease_before_the_first(client: FakeClient, clock: FakeClock) -> None:
    first = Manager(client, clock, NEW, "first")
    await clock.advance(5)
    second = Manager(client, clock, NEW, "second", migration=LeaderMigration())
    await clock.advance(60)
    assert second.running == set()
    assert client.peek(LEASES, SECOND, "kube-system") is None
    await first.stop()
    await clock.advance(5)
    assert (holder(client, NEW), holder(client, SECOND)) == ("second", "second")
    await second.stop()


@pytest.mark.parametrize("lost", [NEW, SECOND])
async def test_losing_either_lease_stops_everything(client: FakeClient, clock: FakeClock, lost: str) -> None:
    manager = Manager(client, clock, NEW, migration=LeaderMigration())
    await clock.advance(5)
    client.on(lambda action: _refuse(action, lost))
    await clock.advance(8)
    assert len(manager.running) == 4
    await clock.advance(3)
    assert manager.running == set()
    with pytest.raises(LeadershipLost, match=lost):
        await manager.task


async def test_health_and_metrics_tell_of_both_leases(client: FakeClient, clock: FakeClock) -> None:
    instruments = Instruments()
    manager = Manager(client, clock, NEW, migration=LeaderMigration())
    check = leadership(instruments, *manager.leds)()["leaderElection"]
    await clock.advance(5)
    text = page(instruments.families())
    assert f'leader_election_master_status{{name="{NEW}"}} 1' in text
    assert f'leader_election_master_status{{name="{SECOND}"}} 1' in text
    assert check() == ""
    elector = manager.leds[1].elector
    assert elector is not None
    elector._renewed_at -= 60
    assert SECOND in check()
    await manager.stop()


def test_a_file_says_what_moves_and_under_which_lease(tmp_path: Path) -> None:
    file = tmp_path / "migration.yaml"
    file.write_text(FILE)
    migration = load_migration(file)
    assert migration.leader_name == "moving"
    assert migration.election(LeaderElection(NEW, "me", "elsewhere")) == LeaderElection("moving", "me", "elsewhere")
    assert [each.component for each in migration.controller_leaders] == [OLD, "*"]
    file.write_text(FILE.replace("config.k8s.io/v1", "config.k8s.io/v1alpha1") + "resourceLock: leases\n")
    assert load_migration(file).leader_name == "moving"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("config.k8s.io/v1", "config.k8s.io/v2", "apiVersion"),
        ("LeaderMigrationConfiguration", "Deployment", "kind"),
        ("leaderName: moving", "", "leaderName"),
        ("leaderName: moving", "leaderName: moving\nresourceLock: endpoints", "resourceLock"),
        ("component: kube-controller-manager", 'component: ""', "controllerLeaders.0.component"),
        ("name: service", 'name: ""', "controllerLeaders.0.name"),
        ("leaderName", "leadersName", "leadersName"),
        (FILE, "[]", "is expected"),
        (FILE, "{", "migration.yaml"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    file = tmp_path / "migration.yaml"
    file.write_text(FILE.replace(old, new))
    with pytest.raises(SettingsError, match=named):
        load_migration(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.yaml"):
        load_migration(tmp_path / "none.yaml")


def _refuse(action: Action, lease: str) -> None:
    if action.resource == LEASES and action.name == lease:
        raise ServiceUnavailable("down")
