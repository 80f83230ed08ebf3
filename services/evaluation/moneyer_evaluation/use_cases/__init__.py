"""Load, decide, save: what evaluation does, one room an errand."""
