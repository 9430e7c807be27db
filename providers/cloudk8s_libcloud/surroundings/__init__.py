"""What machines on libcloud have around them, as far as a driver goes: a key pair, and a security group of theirs.

The network itself is the account's. Whose a thing is is said by its name: not every driver has tags for these.
"""
