"""A cloud that exists in memory (or in a file) and behaves like one: slow, forgetful, throttled, out of order.

Belongs here: the account with its rules, and the six contracts on top of it. It is the reference implementation that
the contract suite is written against. Forbidden here: nodes that run pods (they are simulated elsewhere).
"""
