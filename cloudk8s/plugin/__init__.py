"""The public plugin API: the only package that providers and plugins import."""
