"""Make, grow and delete the volumes of claims: the part that is the same whoever provides the storage.

Belongs here: the contract of a provisioner and the loops around it, with the names, annotations and events of
upstream's external provisioner and resizer. Forbidden here: any particular storage.
"""
