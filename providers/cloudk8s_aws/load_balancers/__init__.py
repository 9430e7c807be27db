"""Network load balancers as stacks: Service → options and environment → stack (pure) → engine.

Belongs here: parsing of annotations, the pure model, and the resource types. Forbidden here: order of calls, diffing,
retries; the engine does those.
"""
