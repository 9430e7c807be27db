"""Service addresses and node ports: who has which, and a free one for who asks.

An address is held by an IPAddress object, so several API servers on one store agree. Node ports are counted from the
Services themselves.
"""
