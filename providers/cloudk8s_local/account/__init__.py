"""The local cloud's account: what was ordered on this host, for all its clusters, in one file that processes share."""
