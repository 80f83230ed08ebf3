"""The audit log: leaves, proofs, signed checkpoints, and who outside holds them."""
