"""The examples and the documentation, as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cloudk8s.client.interface import Object
from cloudk8s.machinery import yaml_codec
from cloudk8s.plugin.manager import Plugins
from cloudk8s.plugin.registries import SchedulerPlugins
from cloudk8s.scheduler.configuration.file import load_configuration
from tests.scheduler.harness import node, running

EXAMPLES = Path(__file__).parents[2] / "examples"
DOCUMENT = Path(__file__).parents[2] / "docs" / "scheduler.md"


async def placed(name: str, *nodes: Object) -> Mapping[str, str]:
    """Where the pods of an example end up."""
    configuration = load_configuration(EXAMPLES / name / "scheduler.yaml")
    plugins = {entry.name: entry.factory for entry in Plugins.load().registry(SchedulerPlugins)}
    pods = [yaml_codec.decode(text) for text in (EXAMPLES / name / "pods.yaml").read_text().split("---\n")]
    for pod in pods:
        pod["metadata"]["namespace"] = "default"
    async with running(*nodes, *pods, configuration=configuration, plugins=plugins) as run:
        await run.settle()
        return run.placement()


async def test_the_example_of_profiles_places_pods_as_its_readme_says() -> None:
    found = await placed("50-scheduler", *(node(name, cpu="32", memory="256Gi") for name in "abc"))
    assert all(found.values())
    assert found["cache-1"] != found["cache-2"]
    assert found["packed-1"] == found["packed-2"]


async def test_the_example_of_deadlines_gives_the_place_to_who_must_start_sooner() -> None:
    found = await placed("55-deadlines", node("a", cpu="32", memory="256Gi"))
    assert (found["report"], found["cleanup"]) == ("a", "")


def test_configurations_in_the_documentation_can_be_loaded(tmp_path: Path) -> None:
    head = "apiVersion: kubescheduler.config.k8s.io/v1\n"
    blocks = [part.split("```")[0] for part in DOCUMENT.read_text().split("```yaml\n")[1:]]
    assert len(blocks) == 4
    for block in blocks:
        path = tmp_path / "scheduler.yaml"
        path.write_text(block if block.startswith("apiVersion") else head + block)
        assert load_configuration(path).profiles
