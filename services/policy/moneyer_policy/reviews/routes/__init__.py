"""Words in, one use case, words out."""
