"""`/metrics/resource` and `/stats/summary`, as upstream's kubelet shapes them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cloudk8s.machinery.exposition import Family, page
from cloudk8s.node.machine.filesystems import Content, Filesystem, content_of, filesystem_of
from cloudk8s.node.pods import naming
from cloudk8s.node.runtimes.interface import Container, ContainerStats, FilesystemUsage, NetworkStats
from cloudk8s.node.server import agent_metrics, container_metrics
from cloudk8s.node.server.container_metrics import PodFigures
from cloudk8s.node.server.pod_storage import PodStorage, VolumeUse, read_storage
from cloudk8s.node.server.resource_metrics import render
from cloudk8s.node.server.summary import NodeView, PodView, cpu_and_memory, summary
from cloudk8s.node.server.usage import NodeMemory, NodeUsage, Sample
from cloudk8s.node.volumes.interface import Mounted

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MIB = 2**20
DISK = Filesystem(available_bytes=60, capacity_bytes=100, used_bytes=40, inodes_free=7, inodes=10)
NODE = NodeUsage(
    NOW, 357_354_910_000, NodeMemory(1000 * MIB, 500 * MIB, swap_usage=3), 250_000_000, 120, 32768,
    [NetworkStats("eth0", 1, 2), NetworkStats("eth1", 3, 4)],
)  # fmt: skip


def stats(name: str, pod: str = "web", *, cpu: int = 4_710_169_000, **more: Any) -> ContainerStats:
    labels = {naming.POD_NAME: pod, naming.POD_NAMESPACE: "default", naming.POD_UID: f"uid-{pod}"}
    time = NOW + timedelta(milliseconds=250)
    return ContainerStats(
        id=f"{pod}-{name}", name=name, labels=labels, time=time, cpu_nanoseconds=cpu, memory_working_set=12 * MIB,
        memory_usage=20 * MIB, memory_rss=8 * MIB, **more,
    )  # fmt: skip


def test_the_page_has_upstreams_families_in_upstreams_order() -> None:
    text = render(NODE, [stats("web"), stats("log", cpu=1_000_000)], {"web-web": NOW.timestamp()})
    stamp, later = 1767225600000, 1767225600250
    place = 'namespace="default",pod="web"'
    assert (
        text
        == f"""\
# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{{container="log",{place}}} 0.001 {later}
container_cpu_usage_seconds_total{{container="web",{place}}} 4.710169 {later}
# HELP container_memory_working_set_bytes [STABLE] Current working set of the container in bytes
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{{container="log",{place}}} 1.2582912e+07 {later}
container_memory_working_set_bytes{{container="web",{place}}} 1.2582912e+07 {later}
# HELP container_start_time_seconds [STABLE] Start time of the container since unix epoch in seconds
# TYPE container_start_time_seconds gauge
container_start_time_seconds{{container="web",{place}}} 1.7672256e+09
# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node in core-seconds
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 357.35491 {stamp}
# HELP node_memory_working_set_bytes [STABLE] Current working set of the node in bytes
# TYPE node_memory_working_set_bytes gauge
node_memory_working_set_bytes 1.048576e+09 {stamp}
# HELP node_swap_usage_bytes [ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems
# TYPE node_swap_usage_bytes gauge
node_swap_usage_bytes 3 {stamp}
# HELP pod_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the pod in core-seconds
# TYPE pod_cpu_usage_seconds_total counter
pod_cpu_usage_seconds_total{{{place}}} 4.711169 {later}
# HELP pod_memory_working_set_bytes [STABLE] Current working set of the pod in bytes
# TYPE pod_memory_working_set_bytes gauge
pod_memory_working_set_bytes{{{place}}} 2.5165824e+07 {later}
# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise
# TYPE resource_scrape_error gauge
resource_scrape_error 0
"""
    )


def views() -> tuple[NodeView, PodView]:
    node = NodeView("n1", NODE, NOW, DISK, FilesystemUsage("/", 30, 3))
    metadata = {"name": "web", "namespace": "default", "uid": "uid-web"}
    pod = {"metadata": metadata, "status": {"startTime": "2026-01-01T00:00:00Z"}}
    sample = Sample(stats("web", writable_layer_bytes=5, processes=2), 100_000_000, 32 * MIB)
    volumes = [
        VolumeUse("data", DISK, Content(40, 3), ("default", "claim")),
        VolumeUse("scratch", DISK, Content(11, 2), is_ephemeral=True),
    ]
    storage = PodStorage({"web": Content(7, 1)}, volumes)
    started = {"web-web": NOW - timedelta(hours=1)}
    return node, PodView(pod, [sample], started, [NetworkStats("eth0", 5, 6)], storage)


def test_the_summary_tells_of_the_node() -> None:
    view, pod = views()
    node = summary(view, [pod])["node"]
    assert (node["nodeName"], node["startTime"]) == ("n1", "2026-01-01T00:00:00Z")
    assert node["cpu"] == {
        "time": "2026-01-01T00:00:00Z", "usageNanoCores": 250_000_000, "usageCoreNanoSeconds": 357_354_910_000,
    }  # fmt: skip
    assert node["memory"].keys() == {
        "time", "availableBytes", "usageBytes", "workingSetBytes", "rssBytes", "pageFaults", "majorPageFaults",
    }  # fmt: skip
    assert (node["network"]["name"], len(node["network"]["interfaces"])) == ("eth0", 2)
    assert node["fs"] == {
        "time": "2026-01-01T00:00:00Z", "availableBytes": 60, "capacityBytes": 100, "usedBytes": 40,
        "inodesFree": 7, "inodes": 10, "inodesUsed": 3,
    }  # fmt: skip
    assert node["runtime"]["imageFs"]["usedBytes"] == 30
    assert (node["rlimit"]["maxpid"], node["rlimit"]["curproc"]) == (32768, 120)
    assert node["swap"]["swapUsageBytes"] == 3


def test_the_summary_tells_of_pods_containers_and_volumes() -> None:
    node, view = views()
    (pod,) = summary(node, [view])["pods"]
    assert pod["podRef"] == {"name": "web", "namespace": "default", "uid": "uid-web"}
    (container,) = pod["containers"]
    assert container["startTime"] == "2025-12-31T23:00:00Z"
    assert container["memory"]["availableBytes"] == 20 * MIB
    assert (container["rootfs"]["usedBytes"], container["logs"]["usedBytes"]) == (5, 7)
    data, scratch = pod["volume"]
    assert (data["name"], data["pvcRef"]) == ("data", {"name": "claim", "namespace": "default"})
    assert (scratch["usedBytes"], "pvcRef" in scratch) == (11, False)
    assert pod["ephemeral-storage"]["usedBytes"] == 5 + 7 + 11
    assert pod["network"]["rxBytes"] == 5
    assert pod["process_stats"] == {"process_count": 2}


def test_only_cpu_and_memory_leaves_the_rest_out() -> None:
    node, view = views()
    document = cpu_and_memory(node, [view])
    assert document["node"].keys() == {"nodeName", "startTime", "cpu", "memory", "swap"}
    (pod,) = document["pods"]
    assert pod.keys() == {"podRef", "startTime", "containers", "cpu", "memory"}
    assert pod["containers"][0].keys() == {"name", "startTime", "cpu", "memory"}


def test_directories_are_measured_once_for_each_file(tmp_path: Path) -> None:
    assert content_of(tmp_path / "absent") == Content()
    (tmp_path / "a").write_bytes(b"x" * 10_000)
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "c").symlink_to(tmp_path / "a")
    found = content_of(tmp_path)
    assert found.inodes_used == 3
    assert 10_000 <= found.used_bytes < 40_000
    assert filesystem_of(tmp_path).capacity_bytes > found.used_bytes


def test_volumes_of_a_pod_are_found_where_they_are_mounted(tmp_path: Path) -> None:
    volumes: list[dict[str, Any]] = [
        {"name": "scratch", "emptyDir": {}}, {"name": "ram", "emptyDir": {"medium": "Memory"}},
        {"name": "claimed", "persistentVolumeClaim": {"claimName": "c"}}, {"name": "own", "ephemeral": {}},
        {"name": "host", "hostPath": {"path": "/"}}, {"name": "late", "emptyDir": {}},
    ]  # fmt: skip
    metadata = {"name": "p", "namespace": "d", "uid": "u"}
    pod = {"metadata": metadata, "spec": {"containers": [{"name": "c"}], "volumes": volumes}}
    mounted = {volume["name"]: Mounted(tmp_path) for volume in volumes if volume["name"] != "late"}
    log = tmp_path / "logs" / "d_p_u" / "c" / "0.log"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"x" * 5000)
    storage = read_storage(pod, mounted, tmp_path / "logs")
    assert storage.logs["c"].used_bytes >= 5000
    assert [(use.name, use.claim, use.is_ephemeral) for use in storage.volumes] == [
        ("scratch", None, True), ("ram", None, False), ("claimed", ("d", "c"), False), ("own", ("d", "p-own"), False),
    ]  # fmt: skip


def figures() -> PodFigures:
    resources = {"limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"cpu": "1m"}}
    metadata = {"name": "web", "namespace": "default", "uid": "u1"}
    pod = {"metadata": metadata, "spec": {"containers": [{"name": "web", "image": "i", "resources": resources}]}}
    container = Container("web-web", "s", "web", 0, "running", "nginx:1", "sha", NOW, started_at=NOW)
    return PodFigures(pod, [stats("web", processes=3)], {"web-web": container}, [NetworkStats("eth0", 5, 6)])


def test_containers_pods_and_the_machine_speak_as_dashboards_expect() -> None:
    text = container_metrics.render(NODE, 8, 32 * MIB, [figures()])
    place = 'id="/kubepods/burstable/podu1'
    for line in (
        f'container_memory_working_set_bytes{{container="web",{place}/web-web",image="nginx:1",name="web-web",'
        'namespace="default",pod="web"} 1.2582912e+07 1767225600250',
        f'container_memory_working_set_bytes{{container="",{place}",image="",name="",namespace="default",pod="web"}} '
        "1.2582912e+07 1767225600000",
        f'container_network_receive_bytes_total{{container="",{place}",image="",name="",namespace="default",pod="web",'
        'interface="eth0"} 5 1767225600000',
        'container_cpu_usage_seconds_total{container="",id="/",image="",name="",namespace="",pod="",cpu="total"} '
        "357.35491 1767225600000",
        "machine_cpu_cores 8",
    ):
        assert line in text.splitlines()
    assert "container_spec_cpu_quota{" in text
    assert text.count("container_processes{") == 1
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert families == sorted(families)


def test_the_agent_tells_what_it_runs_and_how_full_claims_are() -> None:
    claim = VolumeUse("data", DISK, Content(40, 3), ("default", "c"))
    text = agent_metrics.render("n1", 2, {"running": 3, "exited": 1}, [claim, VolumeUse("x", DISK, Content())])
    assert 'kubelet_node_name{node="n1"} 1' in text
    assert "kubelet_running_pods 2" in text
    assert 'kubelet_running_containers{container_state="exited"} 1' in text
    volumes = [line for line in text.splitlines() if line.startswith("kubelet_volume_stats_")]
    assert volumes[0] == 'kubelet_volume_stats_available_bytes{namespace="default",persistentvolumeclaim="c"} 60'
    assert len(volumes) == 6


def test_labels_are_escaped() -> None:
    family = Family("m", "gauge", "words")
    family.add({"a": 'x"y\\z'}, 1)
    assert page([family]).splitlines()[-1] == 'm{a="x\\"y\\\\z"} 1'
