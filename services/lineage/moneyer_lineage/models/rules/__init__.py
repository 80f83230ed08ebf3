"""Values and decisions: no I/O."""
