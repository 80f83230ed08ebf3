"""What the gate takes and answers."""
