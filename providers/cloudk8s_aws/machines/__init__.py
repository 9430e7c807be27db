"""EC2 instances as machines that provisioning orders and gives back, many in one call."""
