"""Who sends a request: one authenticator a file, behind one small interface."""

from cloudk8s.apiserver.authentication.user import UserInfo

__all__ = ["UserInfo"]
