"""Assets: keys, releases, grants, stops and destruction."""
