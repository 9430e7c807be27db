"""KubeSchedulerConfiguration: what it changes, and what is said about mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloudk8s.client.resources import EVENTS
from cloudk8s.errors import SettingsError
from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.configuration.file import load_configuration, parse_configuration
from cloudk8s.scheduler.configuration.model import API_VERSION, ProfileConfiguration
from cloudk8s.scheduler.interface import Candidates, Cycle, Handle, Refusal, Rejection, Wait
from tests.scheduler.harness import node, pod, running
from tests.scheduler.table import Table

HEAD = f"apiVersion: {API_VERSION}\nkind: KubeSchedulerConfiguration\n"


def names(table: Table, point: str) -> list[str]:
    found = getattr(table.profile, point)
    return [item.name if point != "score" else item[0].name for item in found]


def profile(**fields: Any) -> ProfileConfiguration:
    return ProfileConfiguration.model_validate(fields)


def test_the_defaults_are_asked_in_upstreams_order() -> None:
    filters = names(Table(), "filter")
    assert filters[:6] == [
        "NodeUnschedulable",
        "NodeName",
        "TaintToleration",
        "NodeAffinity",
        "NodePorts",
        "NodeResourcesFit",
    ]
    assert filters[-4:] == ["PodTopologySpread", "InterPodAffinity", "DynamicResources", "NodeDeclaredFeatures"]
    weights = {plugin.name: weight for plugin, weight in Table().profile.score}  # type: ignore[attr-defined]
    assert weights["TaintToleration"] == 3
    assert weights["NodeAffinity"] == weights["PodTopologySpread"] == weights["InterPodAffinity"] == 2
    assert weights["NodeResourcesFit"] == weights["ImageLocality"] == 1


def test_a_plugin_can_be_left_out_at_one_point_or_everywhere() -> None:
    one = Table(configuration=profile(plugins={"score": {"disabled": [{"name": "ImageLocality"}]}}))
    assert "ImageLocality" not in names(one, "score")
    every = Table(configuration=profile(plugins={"multiPoint": {"disabled": [{"name": "TaintToleration"}]}}))
    assert "TaintToleration" not in names(every, "filter") + names(every, "score")
    none = Table(configuration=profile(plugins={"score": {"disabled": [{"name": "*"}]}}))
    assert names(none, "score") == []


def test_weights_and_order_can_be_set() -> None:
    plugins = {"score": {"enabled": [{"name": "NodeAffinity", "weight": 7}]}}
    table = Table(configuration=profile(plugins=plugins))
    assert (table.profile.score[0][0].name, table.profile.score[0][1]) == ("NodeAffinity", 7)  # type: ignore[attr-defined]
    assert names(table, "score").count("NodeAffinity") == 1


class Picky:
    """Accepts nothing but node a."""

    name = "Picky"

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self._node = arguments.get("node", "a")

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        return np.array([name == self._node for name in cycle.cluster.nodes.names[rows]])

    def explain(self, cycle: Cycle, rejected: Bools) -> list[Rejection]:
        return [Rejection("not picked", rejected)]


def test_plugins_from_outside_take_part_with_their_arguments() -> None:
    enabled = {"multiPoint": {"enabled": [{"name": "Picky"}]}}
    plain = profile(plugins=enabled)
    assert Table(node("a"), node("b"), configuration=plain, factories={"Picky": Picky}).fits(pod("p")) == {"a"}
    chosen = profile(plugins=enabled, pluginConfig=[{"name": "Picky", "args": {"node": "c"}}])
    table = Table(node("a"), node("b"), configuration=chosen, factories={"Picky": Picky})
    assert table.why(pod("p")) == "0/2 nodes are available: 2 not picked."


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"plugins": {"filter": {"enabled": [{"name": "NodeNam"}]}}}, "did you mean 'NodeName'"),
        (
            {"plugins": {"filter": {"enabled": [{"name": "ImageLocality"}]}}},
            "does not take part in filter",
        ),
        ({"pluginConfig": [{"name": "Fit"}]}, "there is no scheduler plugin 'Fit'"),
        ({"plugins": {"bind": {"disabled": [{"name": "*"}]}}}, "no plugin binds pods"),
        ({"plugins": {"queueSort": {"disabled": [{"name": "*"}]}}}, "exactly one plugin must sort the queue"),
    ],
)
def test_profiles_that_cannot_work_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Table(configuration=profile(**fields))


async def test_every_field_of_upstreams_is_understood(tmp_path: Path) -> None:
    """As `kube-scheduler --write-config-to` writes it."""
    path = tmp_path / "scheduler.yaml"
    path.write_text("""
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
parallelism: 16
leaderElection:
  leaderElect: true
  leaseDuration: 15s
  renewDeadline: 10s
  resourceLock: leases
  resourceName: kube-scheduler
  resourceNamespace: kube-system
  retryPeriod: 2s
clientConnection:
  acceptContentTypes: ""
  burst: 100
  contentType: application/vnd.kubernetes.protobuf
  kubeconfig: ""
  qps: 50
enableProfiling: true
enableContentionProfiling: true
delayCacheUntilActive: true
percentageOfNodesToScore: 0
podInitialBackoffSeconds: 1
podMaxBackoffSeconds: 10
profiles:
- schedulerName: default-scheduler
  percentageOfNodesToScore: 50
  plugins:
    multiPoint: {enabled: [{name: NodeName, weight: 0}], disabled: [{name: ImageLocality}]}
  pluginConfig:
  - name: DefaultPreemption
    args:
      apiVersion: kubescheduler.config.k8s.io/v1
      kind: DefaultPreemptionArgs
      minCandidateNodesAbsolute: 100
      minCandidateNodesPercentage: 10
  - name: DynamicResources
    args: {kind: DynamicResourcesArgs, filterTimeout: 10s, bindingTimeout: 10m0s}
  - name: InterPodAffinity
    args: {kind: InterPodAffinityArgs, hardPodAffinityWeight: 1, ignorePreferredTermsOfExistingPods: true}
  - name: NodeAffinity
    args: {kind: NodeAffinityArgs, addedAffinity: {}}
  - name: NodeResourcesBalancedAllocation
    args: {kind: NodeResourcesBalancedAllocationArgs, resources: [{name: cpu, weight: 1}]}
  - name: NodeResourcesFit
    args:
      kind: NodeResourcesFitArgs
      ignoredResources: [example.com/foo]
      ignoredResourceGroups: [example.org]
      scoringStrategy:
        type: RequestedToCapacityRatio
        resources: [{name: cpu, weight: 1}]
        requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}
  - name: PodTopologySpread
    args: {kind: PodTopologySpreadArgs, defaultingType: System}
  - name: VolumeBinding
    args: {kind: VolumeBindingArgs, bindTimeoutSeconds: 600}
extenders:
- urlPrefix: http://127.0.0.1:1/
  filterVerb: filter
  preemptVerb: preempt
  prioritizeVerb: prioritize
  weight: 1
  bindVerb: ""
  enableHTTPS: false
  httpTimeout: 5s
  nodeCacheCapable: true
  managedResources: [{name: example.com/foo, ignoredByScheduler: true}]
  ignorable: true
""")
    found = load_configuration(path)
    assert found.client_connection.qps == 50
    async with running(node("a"), pod("p"), configuration=found) as run:
        assert run.node_of("p") == "a"


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        HEAD
        + "podMaxBackoffSeconds: 30\nleaderElection: {leaderElect: false, leaseDuration: 1m30s}\n"
        + "profiles: [{schedulerName: one}, {schedulerName: two}]\n"
    )
    found = load_configuration(path)
    assert found.pod_max_backoff_seconds == 30
    assert found.leader_election.lease_duration == timedelta(seconds=90)
    assert [item.scheduler_name for item in found.profiles] == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("apiVersion: kubescheduler.config.k8s.io/v1beta3", "'kubescheduler.config.k8s.io/v1beta3' is not served"),
        (HEAD + "podMaxBackofSeconds: 3", "podMaxBackofSeconds: Extra inputs are not permitted"),
        (HEAD + "podMaxBackoffSeconds: -3", "podMaxBackoffSeconds"),
        (HEAD + "leaderElection: {leaseDuration: soon}", 'invalid duration "soon"'),
        (HEAD + "leaderElection: {resourceLock: endpoints}", "leaderElection.resourceLock: Input should be 'leases'"),
        (HEAD + "profiles: [{schedulerName: a}, {schedulerName: a}]", "'a' is there twice"),
        ("- x", "a KubeSchedulerConfiguration is expected"),
        ("{", "config.yaml"),
    ],
)
def test_mistakes_name_the_file_and_the_field(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=message):
        load_configuration(path)


def test_a_missing_file_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load_configuration(tmp_path / "none.yaml")


async def test_each_scheduler_name_has_its_profile() -> None:
    packing = {"name": "NodeResourcesFit", "args": {"scoringStrategy": {"type": "MostAllocated"}}}
    disabled = {"score": {"disabled": [{"name": "NodeResourcesBalancedAllocation"}]}}
    configuration = parse_configuration(
        {
            "apiVersion": API_VERSION,
            "profiles": [
                {"schedulerName": "default-scheduler"},
                {"schedulerName": "packer", "pluginConfig": [packing], "plugins": disabled},
            ],
        }
    )
    nodes = [node("a"), node("b"), pod("seed", cpu="2", memory="4Gi", node="a")]
    pods = [pod("spread", cpu="1", memory="1Gi"), pod("packed", cpu="1", memory="1Gi", schedulerName="packer")]
    async with running(*nodes, *pods, configuration=configuration) as run:
        assert run.placement() == {"seed": "a", "spread": "b", "packed": "a"}
        assert {event["reportingController"] for event in run.client.all(EVENTS)} == {"default-scheduler", "packer"}


class Elder:
    """Prefers the node that was there first, which it finds out once for all candidates."""

    name = "Elder"

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        pass

    def pre_score(self, cycle: Cycle, candidates: Candidates) -> None:
        slots = candidates.rows if not isinstance(candidates.rows, slice) else np.arange(candidates.count)
        cycle.state["eldest"] = int(slots.min())

    def score(self, cycle: Cycle, candidates: Candidates) -> Any:
        slots = candidates.rows if not isinstance(candidates.rows, slice) else np.arange(candidates.count)
        return np.where(slots == cycle.state["eldest"], 100, 0)


def test_scores_can_be_prepared_for_all_candidates_at_once() -> None:
    chosen = profile(plugins={"multiPoint": {"enabled": [{"name": "Elder", "weight": 100}]}})
    table = Table(node("a", unschedulable=True), node("b"), node("c"), configuration=chosen, factories={"Elder": Elder})
    assert table.chosen(pod("p"), times=5) == {"b"}


class Gatekeeper:
    """Lets pods wait for a permit."""

    name = "Gatekeeper"

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self.handle = handle
        self.undone: list[str] = []

    def reserve(self, cycle: Cycle, node: str) -> Refusal | None:
        return Refusal("taken") if cycle.pod.name == "unlucky" else None

    def unreserve(self, cycle: Cycle, node: str) -> None:
        self.undone.append(cycle.pod.name)

    def permit(self, cycle: Cycle, node: str) -> Refusal | Wait | None:
        if cycle.pod.name == "forbidden":
            return Refusal("not today")
        return Wait(timedelta(seconds=20))


def _guarded() -> tuple[list[Gatekeeper], dict[str, Any]]:
    made: list[Gatekeeper] = []

    def factory(arguments: Mapping[str, Any], handle: Handle) -> Gatekeeper:
        made.append(Gatekeeper(arguments, handle))
        return made[-1]

    enabled = {"multiPoint": {"enabled": [{"name": "Gatekeeper"}]}}
    configuration = parse_configuration({"apiVersion": API_VERSION, "profiles": [{"plugins": enabled}]})
    return made, {"configuration": configuration, "plugins": {"Gatekeeper": factory}}


async def test_a_pod_waits_for_its_permit() -> None:
    made, options = _guarded()
    async with running(node("a"), pod("p"), **options) as run:
        assert run.node_of("p") == ""
        (waiting,) = made[0].handle.waiting
        assert (waiting.pod.name, waiting.node) == ("p", "a")
        assert waiting.pending == {"Gatekeeper"}
        waiting.allow("Gatekeeper")
        await run.settle()
        assert run.node_of("p") == "a"


async def test_a_permit_that_does_not_come_gives_the_node_back() -> None:
    made, options = _guarded()
    async with running(node("a"), pod("p", cpu="4"), **options) as run:
        await run.settle(21)
        assert run.events("p")[0] == (
            "FailedScheduling",
            "timed out after 20s waiting for the permit of Gatekeeper",
        )
        assert "p" in made[0].undone


async def test_a_permit_can_be_rejected() -> None:
    made, options = _guarded()
    async with running(node("a"), pod("p"), **options) as run:
        next(iter(made[0].handle.waiting)).reject("Gatekeeper", "full")
        await run.settle()
        assert ("FailedScheduling", "full") in run.events("p")


async def test_a_refused_reservation_or_permit_leaves_nothing_behind() -> None:
    made, options = _guarded()
    async with running(node("a"), pod("unlucky"), pod("forbidden"), **options) as run:
        assert run.scheduler.cluster.pods == {}
        assert set(made[0].undone) == {"unlucky", "forbidden"}
        assert run.events("unlucky")[0][1] == "0/1 nodes are available: taken."
        assert run.events("forbidden")[0][1] == "0/1 nodes are available: not today."
