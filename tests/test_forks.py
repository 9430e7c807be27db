"""Connections of gRPC's library live on while the process starts others."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import cloudk8s
import asyncio
import grpc
import grpc.aio
import uvloop


async def echo(request, context):
    return request


async def main():
    server = grpc.aio.server()
    handlers = {"Echo": grpc.unary_unary_rpc_method_handler(echo)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary("/test/Echo")
        is_over = False

        async def ask():
            count = 0
            while not is_over:
                assert await call(b"here", timeout=5) == b"here"
                count += 1
            return count

        asking = [asyncio.create_task(ask()) for _ in range(4)]
        for _ in range(20):
            child = await asyncio.create_subprocess_exec("true")
            await child.wait()
        is_over = True
        assert min(await asyncio.gather(*asking)) > 0
    await server.stop(None)


uvloop.run(main())
"""


def test_grpc_does_not_mind_children_that_become_other_programs() -> None:
    """uvloop forks them, which the library's own handlers would say, and lose descriptors by."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
