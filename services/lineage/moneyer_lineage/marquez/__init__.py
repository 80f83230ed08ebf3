"""What Marquez's web interface reads."""
