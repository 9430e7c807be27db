"""Delete what nobody owns any more; hold or release owners whose dependents must go first or stay.

Belongs here: owner references. Data flow: `monitors` keeps one informer for every deletable kind → `graph` answers who
owns whom, from the informers' own indexes → `controller` reacts to changes of single objects.
"""
