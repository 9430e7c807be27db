"""`cloudk8s cluster`: a file for each of its commands, and what they share."""
