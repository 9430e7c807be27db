"""Rules of resource.k8s.io: what devices there are, and who asks for which; all but the meaning of expressions."""
