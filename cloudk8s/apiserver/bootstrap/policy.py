"""Upstream's default roles and bindings: written at the first start, completed at every other."""

from __future__ import annotations

import asyncio

from cloudk8s.api.resource import Object
from cloudk8s.apiserver.authorization.policy import default_policy
from cloudk8s.apiserver.authorization.policy.reconcile import reconciled
from cloudk8s.apiserver.bootstrap.writer import Writer
from cloudk8s.apiserver.operations.delete import DeleteOptions, delete


async def ensure_policy(writer: Writer) -> None:
    """Write what is missing; all at once, so that they share a few commits."""
    async with asyncio.TaskGroup() as tasks:
        for default in default_policy():
            if (pending := reconciled(default, writer.find(default))) is not None:
                tasks.create_task(_write(writer, default, pending), name=f"bootstrap-{default['metadata']['name']}")


async def _write(writer: Writer, default: Object, pending: Object) -> None:
    if await writer.ensure(pending):
        return
    if pending is default:  # a binding to another role, which cannot be changed
        metadata = default["metadata"]
        resource, namespace = writer.resource(default), metadata.get("namespace", "")
        await delete(writer.core, writer.context(), resource, namespace, metadata["name"], DeleteOptions())
        await writer.ensure(default)
    else:
        await writer.change(default, lambda live: reconciled(default, live) or live)
