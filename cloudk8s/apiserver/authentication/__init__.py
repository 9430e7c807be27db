"""Who is asking: a request in, a `UserInfo` out, or `Unauthorized`.

Each authenticator is small and looks at one kind of credential; `chain` asks them in turn. Forbidden here: what the
user may do (that is authorization), and reading the store other than through the `lookup` that is passed in.
"""

from cloudk8s.apiserver.authentication.user import UserInfo

__all__ = ["UserInfo"]
