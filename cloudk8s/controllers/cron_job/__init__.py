"""CronJobs: a Job for each time of a schedule.

`timing` says which time is due and when to look again, `sync` starts, replaces and forgets Jobs, `controller` decides
when to look.
"""
