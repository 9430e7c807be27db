"""The libcloud provider: instances and machines of any Apache Libcloud compute driver.

Belongs here: what is true of libcloud, and the table of what its drivers can do. `plugin.py` and `settings.py` import
no SDK.
"""
