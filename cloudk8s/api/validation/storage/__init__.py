"""Rules of storage.k8s.io: classes, drivers, what nodes and attachments say about volumes."""
