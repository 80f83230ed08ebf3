"""Load, decide, save: one function each, one transaction each."""
