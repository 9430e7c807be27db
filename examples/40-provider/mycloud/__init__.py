"""Mycloud for cloudk8s."""
