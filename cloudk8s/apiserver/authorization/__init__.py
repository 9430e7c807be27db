"""May this user do that: `Attributes` in, a `Decision` out.

Each authorizer is apart and knows nothing of HTTP: it is fed with objects as they change. Forbidden here: who the user
is (that is authentication), and rules about the content of an object (that is admission).
"""

from cloudk8s.apiserver.authorization.interface import ALLOWED, NO_OPINION, Attributes, Authorizer, Decision

__all__ = ["ALLOWED", "NO_OPINION", "Attributes", "Authorizer", "Decision"]
