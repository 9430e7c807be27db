"""Running the plugins of a profile: filters, scores, the choice, and the words for a failure.

Belongs here: the order in which plugins are asked. Forbidden here: knowing any particular one.
"""
