"""Warnings of pods that cannot use one volume on one node, for their SELinux labels differ.

Labels and what conflicts is in `labels`. Forbidden here: writing anything but events.
"""
