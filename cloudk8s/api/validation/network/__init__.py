"""Rules of the kinds that describe the network: services, endpoints, ingresses, policies, address ranges."""
