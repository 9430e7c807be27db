"""`TargetGroupBinding` objects: pods or nodes of a Service as targets of a target group that somebody else has made.

Belongs here: the custom resource, which targets it wants (pure), and how they are registered.
"""
