"""The controller side of CSI drivers: volumes made, attached, grown and deleted by calls of the driver.

What upstream's sidecars do (external-provisioner, -attacher, -resizer), with their annotations, finalizers and
parameters, so that a driver may be served by either. Forbidden here: the node side, which is `node.csi`.
"""
