"""Pools whose machines EC2 Auto Scaling keeps: launch templates and autoscaling groups.

Belongs here: what a group is made of. Forbidden here: which machine goes, and when; machines are listed by `machines`.
"""
