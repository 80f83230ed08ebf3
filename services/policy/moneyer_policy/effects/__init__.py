"""Effects: what follows from a decided review, and from time."""
