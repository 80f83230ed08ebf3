"""Models that were trained on assets, their figures, and what was built on an asset."""
