"""Tables as they come in: read in any format and checked against their declaration, by services and client alike."""
