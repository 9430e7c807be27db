"""Rules of the core kinds that are neither workloads nor network: nodes, volumes, quotas, events, namespaces."""
