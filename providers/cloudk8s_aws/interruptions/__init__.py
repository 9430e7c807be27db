"""What AWS says beforehand of machines that it is about to take: the rule and queue that gather it, and their reading.

Nothing here decides what becomes of a machine.
"""
