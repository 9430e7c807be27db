"""Service proxy, pod network, network policy and cluster DNS: everything between a pod's socket and another's.

Each part watches the API and keeps one thing in step with it: kernel tables, listeners, answers. What shall be there is
always a pure function of objects; only the last step touches the host.
"""
