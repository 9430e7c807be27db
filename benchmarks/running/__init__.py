"""What benchmarks share: servers to measure. Nothing here is a benchmark itself."""
