"""What a component that runs alone tells about itself over HTTPS: health, metrics, settings, status.

Belongs here: the port, its certificate, who may ask, the pages. Forbidden here: what any one component counts or
checks; it brings that.
"""
