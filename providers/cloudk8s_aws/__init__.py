"""The AWS provider: instances, routes and load balancers on EC2 and Elastic Load Balancing.

Belongs here: everything that knows AWS. `plugin.py` and `settings.py` import no SDK; boto3 is loaded with the first
call.
"""
