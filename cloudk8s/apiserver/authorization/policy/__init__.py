"""Upstream's bootstrap roles and bindings, as data, and what keeps them in place.

The rules are those of Kubernetes 1.36 and 1.37 with default feature gates. Forbidden here: deciding anything.
"""

from cloudk8s.apiserver.authorization.policy.cluster_roles import NODE_RULES
from cloudk8s.apiserver.authorization.policy.defaults import default_policy

__all__ = ["NODE_RULES", "default_policy"]
