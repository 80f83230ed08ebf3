"""OpenLineage events, and what they tell of runs, jobs, datasets and assets."""
