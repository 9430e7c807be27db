from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.errors import UserError
from cloudk8s_simulated.stages.choosing import chance_for, choose
from cloudk8s_simulated.stages.loading import BUNDLED, load, read
from cloudk8s_simulated.stages.stage import Delete, Event, Finalizers, Patch

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def stage(spec: str, name: str = "s") -> str:
    head = f"apiVersion: kwok.x-k8s.io/v1alpha1\nkind: Stage\nmetadata: {{name: {name}}}\nspec:\n"
    return head + "  resourceRef: {apiGroup: v1, kind: Pod}\n" + spec


def pod(**metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "d", **metadata}, "spec": {}}


def test_stages_have_selectors_delays_weights_and_steps() -> None:
    scenario = read(
        stage("""
  selector:
    matchLabels: {app: web}
    matchAnnotations: {turn: "yes"}
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
    - jq: {key: .metadata.name, operator: In, values: [p, q]}
    - {key: .status.phase, operator: NotIn, values: [Failed]}
    - {key: .metadata.name, operator: Exists}
  weight: 2
  weightFrom: {expressionFrom: '.metadata.annotations["w"]'}
  delay: {durationMilliseconds: 1000, jitterDurationMilliseconds: 3000}
  next:
    statusTemplate: "phase: Running"
    event: {type: Warning, reason: R, message: M}
    finalizers: {add: [{value: a}], remove: [{value: b}]}
"""),
        "test",
    )
    (found,) = scenario.stages
    matching = pod(labels={"app": "web"}, annotations={"turn": "yes"})
    assert found.selector.matches(matching)
    for other in (
        pod(labels={"app": "web"}), pod(annotations={"turn": "yes"}),
        {**matching, "status": {"phase": "Failed"}},
        {**matching, "metadata": {**matching["metadata"], "deletionTimestamp": "x"}},
    ):  # fmt: skip
        assert not found.selector.matches(other)
    assert [type(step) for step in found.steps] == [Event, Finalizers, Patch]
    assert found.weight_for(matching) == 2
    assert found.weight_for(pod(annotations={"w": "7"})) == 7
    assert found.delay.of(matching, NOW, lambda: 0.5) == timedelta(seconds=2)


def test_delays_may_come_from_the_object() -> None:
    (found,) = read(
        stage("""
  selector: {}
  delay:
    durationMilliseconds: 1000
    durationFrom: {jq: {expression: '.metadata.annotations["delay"]'}}
  next: {delete: true}
"""),
        "test",
    ).stages
    assert found.steps == [Delete()]
    for text, seconds in (("3s", 3), ("2026-01-01T00:01:00Z", 60), ("2025-01-01T00:00:00Z", 0), ("soon", 1)):
        assert found.delay.of(pod(annotations={"delay": text}), NOW, lambda: 1.0) == timedelta(seconds=seconds)


def test_conditions_weights_and_delays_may_be_cel() -> None:
    (found,) = read(
        stage("""
  selector:
    matchExpressions:
    - cel: {expression: "has(self.metadata.annotations) && 'gpu' in self.metadata.annotations"}
    - cel: {expression: "self.metadata.annotations['gpu'].matches('^[1-9][0-9]?$') && int(self.metadata.annotations['gpu']) <= 16"}
    - cel: {expression: "!('done' in self.metadata.annotations) || self.metadata.annotations['done'] != ('memory' in self.metadata.annotations ? self.metadata.annotations['memory'] : '16Gi') + '/' + self.metadata.annotations['gpu']"}
  weightFrom: {cel: {expression: "int(self.metadata.annotations['gpu']) * 2"}}
  delay: {durationFrom: {cel: {expression: "self.metadata.annotations['gpu'] + 's'"}}}
"""),  # noqa: E501
        "test",
    ).stages
    matching = pod(annotations={"gpu": "8"})
    assert found.selector.matches(matching)
    assert found.selector.matches(pod(annotations={"gpu": "8", "done": "32Gi/8"}))
    assert found.selector.matches(pod(annotations={"gpu": "8", "memory": "32Gi", "done": "16Gi/8"}))
    for other in ({"gpu": "17"}, {"gpu": "many"}, {}, {"gpu": "8", "done": "16Gi/8"}):
        assert not found.selector.matches(pod(annotations=other))
    assert not found.selector.matches(pod())
    assert found.weight_for(matching) == 16
    assert found.delay.of(matching, NOW, lambda: 0.0) == timedelta(seconds=8)


def test_a_jitter_below_the_delay_counts_alone() -> None:
    (found,) = read(
        stage("  selector: {}\n  delay: {durationMilliseconds: 1000, jitterDurationMilliseconds: 200}\n"), "test"
    ).stages
    assert found.delay.of(pod(), NOW, lambda: 1.0) == timedelta(milliseconds=200)


def test_the_newer_form_has_steps() -> None:
    (found,) = read(
        stage("""
  selector: {}
  steps:
  - patch: {root: status, subresource: status, type: strategic, template: "phase: Running"}
  - event: {reason: R}
  - delete: true
"""),
        "test",
    ).stages
    assert [type(step) for step in found.steps] == [Patch, Event, Delete]


def test_finalizers_are_added_removed_or_emptied() -> None:
    assert Finalizers(["a", "b"], frozenset({"c"})).of(["b", "c", "d"]) == ["b", "d", "a"]
    assert Finalizers(["a"], is_emptied=True).of(["b"]) == ["a"]


def test_weights_decide_and_the_seed_decides_alike() -> None:
    text = "\n---\n".join(
        stage(f"  selector: {{}}\n  weight: {weight}\n", name) for name, weight in (("rare", 1), ("often", 9))
    )
    stages = read(text, "test").stages
    names = [
        choice.stage.name
        for turn in range(500)
        if (choice := choose(stages, pod(), NOW, chance_for(3, "Pod", "d/p", turn)))
    ]
    assert 380 < names.count("often") < 490
    again = [
        choice.stage.name
        for turn in range(500)
        if (choice := choose(stages, pod(), NOW, chance_for(3, "Pod", "d/p", turn)))
    ]
    assert names == again


def test_a_stage_without_a_selector_is_for_nothing() -> None:
    stages = read(stage("  next: {delete: true}\n"), "test").stages
    assert choose(stages, pod(), NOW, random.Random(0)) is None


def test_rules_of_usage_are_about_pods_namespaces_and_containers() -> None:
    scenario = read(
        """
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterResourceUsage
metadata: {name: all}
spec:
  selector: {matchNamespaces: [d]}
  usages:
  - usage: {cpu: {value: 10m}}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ResourceUsage
metadata: {name: p, namespace: d}
spec:
  usages:
  - {containers: [web], usage: {cpu: {value: 1}, memory: {value: 80%}}}
""".replace("value: 1}", 'value: "1"}'),
        "test",
    )
    single, common = scenario.rules
    assert single.amount(pod(), {"name": "web"}, "cpu") == "1"
    assert single.amount(pod(), {"name": "web"}, "memory") == "80%"
    assert single.amount(pod(), {"name": "other"}, "cpu") == ""
    assert single.amount(pod(name="q"), {"name": "web"}, "cpu") == ""
    assert common.amount(pod(name="q"), {"name": "web"}, "cpu") == "10m"
    assert common.amount(pod(namespace="e"), {"name": "web"}, "cpu") == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: Stage", "test, document 1 .Stage.: None Stage is not known here"),
        ("- a", "test, document 1: an object with apiVersion and kind is expected"),
        ("a: b: c", "test, document 1: "),
        ("# nothing\n---\n" + stage("  wait: 5\n"), r"test, document 2 \(Stage s\): spec.wait: Extra inputs"),
        (stage("  next: {statusTemplate: '{{ end }}'}\n"), r"test, document 1 \(Stage s\): line 1: end without"),
        (stage("  selector: {matchExpressions: [{key: '.a[', operator: Exists}]}\n"), r"\(Stage s\): '.a\['"),
        (stage("  selector: {matchExpressions: [{key: .a}]}\n"), "needs key and operator"),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(text, "test")


@pytest.mark.parametrize("name", [path.stem for path in BUNDLED.glob("*.yaml")])
def test_bundled_files_can_be_read(name: str) -> None:
    scenario = load(name)
    assert scenario.stages or scenario.simulation.seed is not None


def test_a_file_that_is_not_there_is_a_mistake_that_names_the_bundled_ones() -> None:
    with pytest.raises(UserError, match=r"cannot read the stages nope: .*chaos, slow"):
        load("nope")


def test_what_the_guide_shows_can_be_read() -> None:
    guide = Path(__file__).parents[4] / "docs" / "simulated.md"
    blocks = re.findall(r"^```yaml\n(.*?)^```", guide.read_text(), re.MULTILINE | re.DOTALL)
    scenario = read("\n---\n".join(blocks), "docs/simulated.md")
    assert [stage.name for stage in scenario.stages] == ["out-of-memory"]
    assert scenario.simulation.nodes.groups[0].labels == {"pool": "gpu"}
    assert scenario.simulation.cloud.lag == 2
