"""Objects as rows: upstream's printer columns for every kind, and those that a CRD declares.

Forbidden here: I/O; a printer is a pure function from an object and the time to cells.
"""
