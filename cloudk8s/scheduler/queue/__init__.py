"""Which pod is next, and which events give one that failed another chance.

Belongs here: waiting. Forbidden here: deciding where a pod goes.
"""
