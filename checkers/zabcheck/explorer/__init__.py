"""State-space exploration of a spec: every state within given bounds, or as many as the budget allows."""
