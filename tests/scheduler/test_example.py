"""The example of the documentation, run as it stands."""

from __future__ import annotations

from pathlib import Path

from cloudk8s.machinery import yaml_codec
from cloudk8s.plugin.manager import Plugins
from cloudk8s.plugin.registries import SchedulerPlugins
from cloudk8s.scheduler.configuration.file import load_configuration
from tests.scheduler.harness import node, running

EXAMPLE = Path(__file__).parents[2] / "examples" / "50-scheduler"
DOCUMENT = Path(__file__).parents[2] / "docs" / "scheduler.md"


async def test_the_example_places_pods_as_its_readme_says() -> None:
    configuration = load_configuration(EXAMPLE / "scheduler.yaml")
    registry = Plugins.load().registry(SchedulerPlugins)
    plugins = {entry.name: entry.factory for entry in registry}
    texts = (EXAMPLE / "pods.yaml").read_text().split("---\n")
    pods = [yaml_codec.decode(text) for text in texts]
    for pod in pods:
        pod["metadata"]["namespace"] = "default"
    nodes = [node(name, cpu="32", memory="256Gi") for name in "abc"]
    async with running(*nodes, *pods, configuration=configuration, plugins=plugins) as run:
        await run.settle()
        placed = run.placement()
        assert all(placed.values())
        assert placed["cache-1"] != placed["cache-2"]
        assert placed["packed-1"] == placed["packed-2"]


def test_configurations_in_the_documentation_can_be_loaded(tmp_path: Path) -> None:
    head = "apiVersion: kubescheduler.config.k8s.io/v1\n"
    blocks = [part.split("```")[0] for part in DOCUMENT.read_text().split("```yaml\n")[1:]]
    assert len(blocks) == 4
    for block in blocks:
        path = tmp_path / "scheduler.yaml"
        path.write_text(block if block.startswith("apiVersion") else head + block)
        assert load_configuration(path).profiles
