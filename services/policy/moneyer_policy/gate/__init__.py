"""The gate: plans judged and reserved."""
