"""What this host holds for one cluster: its records, and its part of the kernel's tables."""
