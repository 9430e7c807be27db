"""Server-side apply: who owns which field, merging by owner, conflicts; the rules of structured-merge-diff.

A *field set* is the nested dictionary that `managedFields[].fieldsV1` carries, used as it is: nothing is decoded or
encoded on the way. *Types* are compiled from `Schema` nodes once and then walk plain trees.
Belongs here: field sets, typed walks, field managers. Forbidden here: I/O, knowledge of any particular kind.
"""
