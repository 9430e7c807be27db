"""HTTP verbs on resources: read the request, call an operation, present the result. One file a verb."""
