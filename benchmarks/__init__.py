"""Numbers that matter, each on the real thing. `python -m benchmarks [NAME...]` runs them."""
