"""Which machines pending pods need, and which machines nobody needs. Pure: objects in, decisions out.

    pods ──► demands (alike pods together) ──► packing (nodes there are, machines that could be) ──► decision ──► words

Belongs here: arithmetic over pods, nodes and offers. Forbidden here: clients, clocks and clouds; who calls gathers what
is there and carries out what is decided. What a pod asks for is read by the scheduler's own parsers.
"""
