"""Where a worker's jobs are carried: processes beside it, or on the nodes of a Ray cluster."""
