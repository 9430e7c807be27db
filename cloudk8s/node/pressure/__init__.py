"""When the node runs short: what is measured, which pods go first, which images are removed.

Forbidden here: how a pod is ended; its worker does that.
"""
