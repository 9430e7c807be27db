"""The cluster's DNS server: names of Services and pods, and everything else from the host's resolvers.

A query passes `server` (sockets), `resolver` (cache and decision), and ends in `zone` (names of the cluster, from
`directory`, which watches the API) or `upstream`. What names exist is the Kubernetes DNS specification, version 1.1.0:
https://github.com/kubernetes/dns/blob/master/docs/specification.md
"""
