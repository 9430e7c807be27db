"""Jobs: run pods until enough of them have succeeded, and count every one exactly once.

`controller` decides which Job to look at, `sync` does one reconciliation, `accounting` moves finished pods into the
counters (a finalizer holds each pod until it is counted), `indexes` knows Indexed completion, `policies` what failures
and successes mean, `backoff` how long to wait after a failure, `pods` what a Job's pods look like.
"""
