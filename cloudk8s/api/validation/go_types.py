"""Fields of upstream's internal types, in their order: `GoName:type`, with `@jsonName` where it can't be derived.

Types: `string int bool intstr quantity time`, a struct's name, `[]item`, `*pointer`, `map:item`.
A field without a name is an embedded struct. `@^/x` takes `x` from the struct around this one.
"""

from __future__ import annotations

from typing import Final

STRUCTS: Final[dict[str, str]] = {
    "DaemonSetUpdateStrategy": "Type:string RollingUpdate:*RollingUpdateDaemonSet",
    "RollingUpdateDaemonSet": "MaxUnavailable:intstr MaxSurge:intstr",
    "StatefulSetUpdateStrategy": "Type:string RollingUpdate:*RollingUpdateStatefulSetStrategy",
    "RollingUpdateStatefulSetStrategy": "Partition:int MaxUnavailable:*intstr",
}
"""Structs without JSON tags."""

TAGGED: Final[dict[str, str]] = {
    "OwnerReference": (
        "apiVersion!:string kind!:string name!:string uid!:string controller:*bool blockOwnerDeletion:*bool"
    ),
    "LabelSelector": "matchLabels:map:string matchExpressions:[]LabelSelectorRequirement",
    "LabelSelectorRequirement": "key!:string operator!:string values:[]string",
    "ObjectMeta": (
        "name:string generateName:string namespace:string uid:string resourceVersion:string generation:int "
        "creationTimestamp:time deletionTimestamp:*time deletionGracePeriodSeconds:*int labels:map:string "
        "annotations:map:string ownerReferences:[]OwnerReference finalizers:[]string"
    ),
}
"""Structs with JSON tags: fields by JSON name; `!` marks those that are printed also when empty."""
