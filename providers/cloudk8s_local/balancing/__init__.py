"""Load balancers as listeners: on a loop and a thread of their own, so that no traffic waits for the API server."""
