"""What the server says of itself in objects: how requests are shared out, and which APIs it answers."""

from __future__ import annotations

import asyncio

from cloudk8s.api.resource import Object
from cloudk8s.apiserver.bootstrap import api_services, flow_control
from cloudk8s.apiserver.bootstrap.writer import Writer
from cloudk8s.apiserver.core import Core
from cloudk8s.machinery.times import format_time


async def describe_server(core: Core) -> None:
    """Write what is missing or has drifted; all at once, so that the writes share a few commits."""
    now = format_time(core.clock.now())
    producer, consumer = Writer(core, flow_control.PRODUCER), Writer(core, flow_control.CONSUMER)
    server = Writer(core)
    levels = {level["metadata"]["name"] for level in flow_control.priority_levels()}
    async with asyncio.TaskGroup() as tasks:
        for level in flow_control.priority_levels():
            tasks.create_task(_ensure_flow(producer, level), name=f"bootstrap-{level['metadata']['name']}")
        for schema in flow_control.flow_schemas():
            condition = flow_control.dangling(schema, levels, now)
            tasks.create_task(_ensure_schema(producer, consumer, schema, condition))
        for service in api_services.local_api_services(core.registry):
            tasks.create_task(_ensure_service(server, service, api_services.available(now)))


async def _ensure_flow(writer: Writer, wanted: Object) -> None:
    """Make it, or set its spec right where that is the server's to keep."""
    live = writer.find(wanted) if writer.serves(wanted) else None
    if live is None:
        await writer.ensure(wanted)
    elif live["spec"] != wanted["spec"] and flow_control.takes_updates(live):
        await writer.change(wanted, lambda found: found | {"spec": wanted["spec"]})


async def _ensure_schema(producer: Writer, consumer: Writer, wanted: Object, condition: Object) -> None:
    await _ensure_flow(producer, wanted)
    await _ensure_condition(consumer, wanted, condition)


async def _ensure_service(writer: Writer, wanted: Object, condition: Object) -> None:
    await writer.ensure(wanted)
    await _ensure_condition(writer, wanted, condition)


async def _ensure_condition(writer: Writer, obj: Object, condition: Object) -> None:
    """Set one condition; one of that type and status stays as it is, with its time."""

    def transform(live: Object) -> Object:
        status = live.get("status") or {}
        conditions = status.get("conditions") or []
        others = [item for item in conditions if item["type"] != condition["type"]]
        if any(item["type"] == condition["type"] and item["status"] == condition["status"] for item in conditions):
            return live
        return live | {"status": status | {"conditions": [*others, condition]}}

    live = writer.find(obj) if writer.serves(obj) else None
    if live is not None and transform(live) is not live:
        await writer.change(obj, transform, "status")
