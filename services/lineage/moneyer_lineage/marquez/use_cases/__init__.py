"""Load, decide, save: one function each."""
