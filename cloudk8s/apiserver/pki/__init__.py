"""The cluster's certificates and keys, as files in its data directory.

`ensure` makes what is missing or about to expire and leaves the rest alone. Forbidden here: serving, and anything that
talks to an API server.
"""

from cloudk8s.apiserver.pki.directory import PKI, KeyPair, ensure

__all__ = ["PKI", "KeyPair", "ensure"]
