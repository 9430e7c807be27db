"""Emulated accounts that live on between commands: an AWS emulator as a process, the simulated cloud as a file.

Belongs here: starting, finding and stopping them, and the settings that lead a provider there. Forbidden here: anything
that a real account would need too.
"""
