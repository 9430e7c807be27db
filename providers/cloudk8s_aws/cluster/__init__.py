"""A cluster's network, firewall, roles and API endpoint on AWS.

`stack` is pure; each other module is one kind of AWS object, with one API call for each thing that is done to it.
Belongs here: what surrounds machines. Forbidden here: machines themselves, load balancers of Services.
"""
