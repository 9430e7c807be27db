"""Rules of the kinds that keep pods running: what they select, how they roll out, what their status counts."""
