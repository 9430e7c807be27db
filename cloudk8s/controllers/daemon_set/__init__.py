"""DaemonSets: one pod on every node that fits.

`placement` says which nodes fit, `pods` how a pod is tied to its node, `upkeep` what each node lacks or has too much,
`updates` which pods are replaced next, `history` keeps revisions, `controller` decides when and does it.
"""
