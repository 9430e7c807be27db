"""Node selectors over columns: all nodes at once, each distinct selection worked out once."""

from __future__ import annotations

from typing import Final

import numpy as np

from cloudk8s.scheduler.cluster.arrays import Bools, Ints
from cloudk8s.scheduler.cluster.nodes import NodeColumns
from cloudk8s.scheduler.pod.node_selection import NodeRequirement, NodeSelection, NodeTerm

KEPT: Final = 512
"""How many results are kept."""


class NodeSelector:
    """Answers stay valid until labels or names of nodes change."""

    def __init__(self, nodes: NodeColumns) -> None:
        self._nodes = nodes
        self._version = (-1, -1)
        self._required: dict[NodeSelection, Bools] = {}
        self._preferred: dict[NodeSelection, Ints] = {}

    def required(self, selection: NodeSelection) -> Bools:
        """The rows that node selector and required affinity accept."""
        self._refresh()
        known = self._required.get(selection)
        if known is None:
            known = self._select(selection)
            if len(self._required) < KEPT:
                self._required[selection] = known
        return known

    def preferred(self, selection: NodeSelection) -> Ints:
        """The sum of the weights of the preferences that each row fulfils."""
        self._refresh()
        known = self._preferred.get(selection)
        if known is None:
            known = np.zeros(self._nodes.size, dtype=np.int64)
            for weight, term in selection.preferred:
                known += weight * self.term(term)
            if len(self._preferred) < KEPT:
                self._preferred[selection] = known
        return known

    def any_of(self, terms: tuple[NodeTerm, ...]) -> Bools:
        """The rows that one of the terms accepts."""
        found = np.zeros(self._nodes.size, dtype=np.bool_)
        for term in terms:
            found |= self.term(term)
        return found

    def term(self, term: NodeTerm) -> Bools:
        """The rows that a term accepts."""
        found = np.full(self._nodes.size, not term.is_empty, dtype=np.bool_)
        for requirement in term.expressions:
            found &= self._expression(requirement)
        for requirement in term.fields:
            found &= self._field(requirement)
        return found

    def _select(self, selection: NodeSelection) -> Bools:
        nodes = self._nodes
        found = np.ones(nodes.size, dtype=np.bool_)
        for key, value in selection.selector:
            found &= self._expression(NodeRequirement(key, "In", (value,)))
        if selection.required is not None:
            found &= self.any_of(selection.required)
        return found

    def _expression(self, requirement: NodeRequirement) -> Bools:
        nodes = self._nodes
        return nodes.labels.column(requirement.key).where(requirement.matches, nodes.rows)

    def _field(self, requirement: NodeRequirement) -> Bools:
        nodes = self._nodes
        if requirement.operator == "In":
            found = np.zeros(nodes.size, dtype=np.bool_)
            for name in requirement.values:
                if (slot := nodes.slot(name)) is not None:
                    found[slot] = True
            return found
        accepted = (requirement.matches(name) for name in nodes.names)
        return np.fromiter(accepted, dtype=np.bool_, count=nodes.size)

    def _refresh(self) -> None:
        version = (self._nodes.labels.version, self._nodes.size)
        if version != self._version:
            self._version = version
            self._required.clear()
            self._preferred.clear()
