"""The command line, one command a file. Printing happens in `output.py` only."""
