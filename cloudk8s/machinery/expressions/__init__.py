"""Expressions in the part of CEL that selectors of devices and of simulated stages use.

Belongs here: reading and evaluating them. Forbidden here: what the variables mean, which their users know.
"""

from cloudk8s.machinery.expressions.expression import Evaluate, compile_expression
from cloudk8s.machinery.expressions.tokens import ExpressionError
from cloudk8s.machinery.expressions.version import Version

__all__ = ["Evaluate", "ExpressionError", "Version", "compile_expression"]
