"""Ingresses served on this host by nginx: hosts, paths and TLS lead to the endpoints of Services.

    Ingresses, Services, slices, Secrets ──► rules (pure) ──► nginx.conf (pure) ──► process (check, start, reload)

Belongs here: what an Ingress means, and how nginx is told. Proxying itself is nginx's work.
"""
