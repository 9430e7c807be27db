"""Which requests go first when there are too many, as FlowSchemas and PriorityLevelConfigurations say.

    request ─► rules: the first FlowSchema that matches ─► level: a seat, a place in a queue, or 429

Reads are answered in one turn of the loop and take no seat; they are classified, counted and named in the answer's
headers like all others, and wait only at a level that has no seats at all. Forbidden here: HTTP, and writing objects
but for the condition of FlowSchemas.
"""
