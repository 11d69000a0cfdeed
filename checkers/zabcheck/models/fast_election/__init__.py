"""Fast Leader Election alone: `zabspec.fast_election` within bounds, and its mutants."""
