"""Where objects live: revisions, transactions, watch.

Belongs here: the store contract (`interface.py`), its backends, and the cache that every read and watch goes through.
Forbidden here: knowledge of kinds; a value is bytes with a revision spliced in.
"""
