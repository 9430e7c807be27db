"""The store in one SQLite file: the default backend.

A write travels: loop (compare, splice) -> writer thread (a statement commits a batch) -> loop (cache, watches, answer).

Belongs here: the file, its schema and its two threads. Forbidden here: reads, which all come from the cache.
"""
