"""Admission: what may be stored beside what is valid; one plugin a file, in upstream's order (`order.py`)."""
