"""Classic load balancers, for Services that were made for them; off unless the settings say `classic: true`."""
