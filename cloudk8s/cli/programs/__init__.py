"""Servers whose options a command has read, each a module with `Options` and `run`.

They run in a process that has never imported the command line: it is 7 MB that nobody needs again. Commands import
these modules for their `Options`, so that what is large is imported by `run`. Forbidden here: typer.
"""
