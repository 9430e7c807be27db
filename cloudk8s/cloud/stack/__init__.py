"""The owned-resource engine: desired ↔ observed ↔ plan ↔ apply.

A pure function builds a `Stack`: resources with references between them. `observe` finds what is owned, by tag;
`make_plan` compares the two and says what to do and why; `apply` does it: ordered by references, in parallel, with
idempotency tokens, intents written down before each call, retries and rate limits. What is tagged but no longer desired
is deleted. A provider adds small resource types, each with list, create, update and delete.

Belongs here: what is true of any resource of any cloud. Forbidden here: Kubernetes objects, the event loop, any SDK.
"""
