"""One declaration for each route of this wing."""
