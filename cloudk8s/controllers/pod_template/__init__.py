"""The hash that upstream gives a pod template: of what Go's printer makes of the structs in memory, field by field.

`structs.txt` has the structs, `go_text` prints a template as Go does, `hashing` makes the hash. The text has every
field of the structs, so that a template's hash is another one in every release that adds a field. Forbidden here:
deciding by a hash whether two templates are the same.
"""
