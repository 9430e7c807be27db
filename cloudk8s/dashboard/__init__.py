"""The web page that shows a cluster, served from the API server's listener."""
