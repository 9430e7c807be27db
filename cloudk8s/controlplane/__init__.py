"""The composition root: settings and plugins become running components.

Start and stop are readable top to bottom here. Forbidden here: behaviour that belongs to a component.
"""
