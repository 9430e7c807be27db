"""Subresources and virtual resources, one file each: what a URL below an object does beyond the common verbs."""
