"""The service proxy: traffic to a Service's addresses reaches its endpoints.

Services and EndpointSlices become `Rule`s (`rules`, pure), and a `Forwarder` carries out what changed: `nftables` in
the kernel, `userspace` with listeners. Nothing here writes to the API.
"""
