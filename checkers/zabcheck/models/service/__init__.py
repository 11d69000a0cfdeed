"""What clients may see: `zabspec.service` in small scenarios, and its mutants."""
