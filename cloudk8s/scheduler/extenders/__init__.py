"""Extenders: programs of others that are asked over HTTP which nodes suit a pod, what may be preempted, and to bind.

Belongs here: upstream's wire format and who is asked when. Forbidden here: deciding without them.
"""
