"""Eviction of pods whose allocated devices are tainted.

What a taint means for an allocation is in `taints`, what a DeviceTaintRule says of itself in `rule_status`. Forbidden
here: allocating devices, which is the scheduler's.
"""
