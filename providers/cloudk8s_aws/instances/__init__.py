"""EC2 instances as nodes: who they are, where they are, and how they are reached."""
