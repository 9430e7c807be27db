"""The serving side on port 10250: logs, exec, attach, port-forward, what runs here, statistics and metrics.

Belongs here: routes, who may ask, the streams. Forbidden here: changing pods.
"""
