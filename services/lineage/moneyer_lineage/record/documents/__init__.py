"""What is told of runs and assets, and what is shown of them."""
