"""Machines in Cluster API's shape: deployments, sets, machines; what to make, replace and remove.

Belongs here: pure decisions over what is declared and what is observed. Forbidden here: calls to a cloud.
"""
