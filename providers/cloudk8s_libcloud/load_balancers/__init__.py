"""Services on libcloud's load-balancer drivers.

Belongs here: the table of what each driver can do, how a Service becomes balancers of the base API, and what single
drivers do in their own way. Forbidden here: anything about compute drivers.
"""
