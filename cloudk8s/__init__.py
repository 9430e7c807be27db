"""cloudk8s: a Kubernetes control plane with the cloud built in.

The package is layered; ARCHITECTURE.md draws it and `pyproject.toml` holds it. Nothing is imported here but what every
interpreter has, so that `import cloudk8s` costs nothing.
"""

import os

__version__ = "0.1.0"

# Read by gRPC's library when it is loaded, by whichever part. Its handlers of forks are for children that go on with
# its connections; ours become other programs at once, and while one is forked (as uvloop does) the handlers lose
# descriptors of the parent's connections. https://github.com/grpc/grpc/blob/master/doc/fork_support.md
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
