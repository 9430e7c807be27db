"""What every cluster has from its first moment: namespaces, the `kubernetes` Service, classes, roles, flow schemas.

Everything is reconciled at each start: what is missing is made, what users may change is left alone.
"""
