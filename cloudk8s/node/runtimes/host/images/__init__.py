"""The host runtime's images: references, the content store, archives, registries.

Forbidden here: containers; an image ends as a list of unpacked layers and a configuration.
"""
