"""Storage as the scheduler sees it: claims, volumes, classes, drivers, and what is assumed of them.

Belongs here: reading them, and matching claims with volumes. Forbidden here: extension points.
"""
