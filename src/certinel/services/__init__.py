"""Use cases: gather facts, let the domain decide, store, tell."""
