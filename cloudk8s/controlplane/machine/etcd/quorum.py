"""Whether a member may go without etcd standing still. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cloudk8s.controlplane.machine.etcd.member import Member


def objection(members: Sequence[Member], healthy: Collection[str], leaving: str) -> str:
    """Why a member may not go, empty where it may. `healthy` are ids of those that answer."""
    going = next((member for member in members if member.id == leaving), None)
    if going is None or going.is_learner:
        return ""
    others = [member for member in members if not member.is_learner and member.id != leaving]
    if not others:
        return "it is the only member of etcd: all that the cluster has stored would be lost"
    well, needed = sum(member.id in healthy for member in others), quorum(len(others))
    if well < needed:
        return f"etcd would lose its quorum: {well} of the {len(others)} other members are well, {needed} are needed"
    return ""


def quorum(voters: int) -> int:
    """How many of these must agree."""
    return voters // 2 + 1
