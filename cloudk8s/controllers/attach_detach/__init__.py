"""Which volumes are attached to which nodes: VolumeAttachments say what should be, a driver's attacher makes it so.

`volumes` knows which volumes are attached at all and what they are called, `demand` which pods want them where,
`detaching` when a node may lose one, `node_status` writes `volumesAttached`; `controller` reconciles volume by volume.
Forbidden here: talking to a driver.
"""
