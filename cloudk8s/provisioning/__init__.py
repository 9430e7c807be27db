"""Declared clusters become networks, machines and joined nodes, and nothing again."""
