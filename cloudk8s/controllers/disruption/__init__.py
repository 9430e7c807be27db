"""PodDisruptionBudgets: how many of the selected pods may go right now.

`expected` says how many pods there should be, `status` does the arithmetic, `controller` decides when and writes, and
`stale` takes back announcements of disruptions that did not come.
"""
