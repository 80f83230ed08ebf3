"""What services say to each other on the wire."""
