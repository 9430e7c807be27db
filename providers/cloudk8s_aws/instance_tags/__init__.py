"""Tags on the instances of nodes: put on when a node comes, taken off when it goes."""
