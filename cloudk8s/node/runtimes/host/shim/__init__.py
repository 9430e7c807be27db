"""What runs beside the containers: the spawner and, forked from it, one shim process for each container.

A shim owns its container's streams, log and exit code, so containers outlive the agent, which finds them again by what
the shims write into the state directory. Forbidden here: anything but the standard library (the interpreter is
started without site-packages), threads, and asyncio: processes here are forked, many, and must stay small.
"""
