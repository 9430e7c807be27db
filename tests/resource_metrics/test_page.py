from __future__ import annotations

from cloudk8s.resource_metrics.page import read_page

PAGE = """\
# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="web",namespace="default",pod="a"} 4.710169 1700000000500
container_cpu_usage_seconds_total{container="log",namespace="default",pod="a"} 1e-3 1700000000600
container_cpu_usage_seconds_total{container="web",namespace="default",pod="b"} 1 1700000000500
container_memory_working_set_bytes{container="web",namespace="default",pod="a"} 1.2566528e+07 1700000000500
container_memory_working_set_bytes{container="log",namespace="default",pod="a"} 4096 1700000000600
container_memory_working_set_bytes{container="web",namespace="default",pod="b"} 0 1700000000500
container_start_time_seconds{container="web",namespace="default",pod="a"} 1.69999999e+09
container_swap_usage_bytes{container="web",namespace="default",pod="a"} 7
node_cpu_usage_seconds_total 357.35491 1700000000400
node_memory_working_set_bytes 1.616273408e+09
pod_cpu_usage_seconds_total{namespace="default",pod="a"} 4.7 1700000000500
scrape_error 0
"""


def test_a_page_tells_of_the_node_and_of_each_container() -> None:
    page = read_page(PAGE, now=1700000001.0)
    assert page.node is not None
    assert (page.node.cpu_seconds, page.node.memory_bytes, page.node.time) == (357.35491, 1616273408, 1700000001.0)
    web, log = page.pods["default", "a"]["web"], page.pods["default", "a"]["log"]
    assert (web.cpu_seconds, web.memory_bytes, web.time, web.started) == (
        4.710169,
        12566528,
        1700000000.5,
        1699999990.0,
    )
    assert (log.cpu_seconds, log.memory_bytes, log.started) == (0.001, 4096, 0.0)


def test_a_pod_of_which_not_all_is_told_is_left_out() -> None:
    assert ("default", "b") not in read_page(PAGE, now=0.0).pods


def test_a_node_without_memory_is_not_known() -> None:
    assert read_page("node_cpu_usage_seconds_total 1 1000\n", now=0.0).node is None
    assert read_page("", now=0.0).node is None
