"""Routes by declaration."""
