"""ResourceQuotas: what a namespace uses, counted afresh.

Admission charges each write as it comes; the controller counts what there is, and so gives back what is deleted.
`names` says which resource a quota name is about, `counting` counts, `charges` knows what a count may have missed,
`controller` decides when and writes.
"""
