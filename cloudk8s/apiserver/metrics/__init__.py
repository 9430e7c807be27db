"""What the API server measures about itself, and how it is read.

Requests are noted in plain dictionaries, because every GET pays for it; names, labels and text are made when somebody
asks. Nothing here may import `prometheus_client` before the first scrape.
"""
