"""Lives told in YAML: stages that objects go through, in the form that kwok made known.

file ─ loading ─→ stages ─ choosing ─→ what happens next, and when ─ player ─→ patches, events, deletions

`jq` and `template` are the two small languages in which stages look at objects and say what becomes of them.
Everything but `player` is pure.

https://kwok.sigs.k8s.io/docs/user/stages-configuration/
"""
