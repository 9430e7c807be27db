"""A range of pod addresses for every node: `pool` divides the cluster's range, `controller` hands out the parts."""
