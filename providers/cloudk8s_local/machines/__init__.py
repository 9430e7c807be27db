"""Machines on this host: network namespaces with a bridge as their network, or plain processes without privileges."""
