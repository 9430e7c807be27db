"""EndpointSlices: the addresses behind each Service, a hundred to a slice, one set of slices for each family.

`endpoints` says what a Service's endpoints are, `packing` distributes them over slices with as few writes as possible,
`hints` says who should use which, `controller` decides when and writes.
"""
