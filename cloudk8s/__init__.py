"""cloudk8s: a Kubernetes control plane with the cloud built in.

The package is layered; ARCHITECTURE.md draws it and `pyproject.toml` holds it. Nothing is imported here, so that
`import cloudk8s` costs nothing.
"""

__version__ = "0.1.0"
