"""ZAB as in the paper: `zabspec.paper` within bounds, its mutants, and its refinement of atomic broadcast."""
