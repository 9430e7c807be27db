"""The libcloud provider."""
