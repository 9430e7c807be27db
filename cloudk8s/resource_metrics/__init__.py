"""Measures what nodes and pods use, as upstream's metrics-server does: every kubelet is asked every fifteen seconds.

`page` reads a kubelet's answer, `window` keeps two looks and tells what was used between them, `scraper` does the
looking. A client of the API only: kubelets are reached through the API server.
"""
