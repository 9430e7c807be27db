"""What a cloud offers (`interface.py`), the cloud controllers, and the owned-resource engine (`stack`).

Forbidden here: any SDK, any particular cloud.
"""
