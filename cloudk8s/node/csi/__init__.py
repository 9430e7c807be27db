"""CSI on the node: which drivers there are, and volumes that they stage, publish and grow.

Belongs here: the CSINode object, the steps of a volume in upstream's order, what has to be remembered of it on disk.
Forbidden here: the controller side, which is `controllers.csi`.
"""
