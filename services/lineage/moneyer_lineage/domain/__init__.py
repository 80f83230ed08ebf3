"""What the record and its proofs are: values and decisions, no I/O."""
