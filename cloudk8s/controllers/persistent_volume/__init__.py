"""Binding of PersistentVolumes and PersistentVolumeClaims, and what becomes of volumes whose claim is gone.

A binding is written in four steps, each of which any later look can repeat: the volume's claim reference, the volume's
phase, the claim's volume name, the claim's status. `matching` picks volumes, `binding` writes, `claims` and `volumes`
look at one object each, `controller` decides when.
"""
