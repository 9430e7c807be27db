"""Filters of system calls: profiles become programs that the kernel runs before each call of a container.

Belongs here: the default profile, files of users, and how libseccomp compiles both. The shim installs what comes out.
"""
