"""Load, decide, save: one function each; HTTP calls and child processes stand outside transactions."""
