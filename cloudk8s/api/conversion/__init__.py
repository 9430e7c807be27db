"""One object in the versions that serve it. Custom resources and most kinds differ in `apiVersion` alone.

Belongs here: pure functions between versions of built-in kinds. Forbidden here: which version is stored.
"""

from cloudk8s.api.conversion.convert import convert

__all__ = ["convert"]
