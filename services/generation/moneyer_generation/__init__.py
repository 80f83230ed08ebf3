"""Generation: sources in custody, plans, runs, and the synthetic tables they mint."""
