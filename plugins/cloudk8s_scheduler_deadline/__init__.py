"""Schedule by deadlines: what must start soonest goes first, and what is too late may be held back.

Off until a scheduler profile enables `Deadline` instead of `PrioritySort`. Belongs here: what a pod says about time.
"""
