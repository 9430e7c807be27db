"""The libcloud provider: instances, machines and load balancers of any Apache Libcloud driver.

Belongs here: what is true of libcloud, and the table of what its drivers can do. `plugin.py` and `settings.py` import
no SDK.
"""
