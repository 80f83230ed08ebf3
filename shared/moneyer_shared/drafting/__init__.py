"""From what is publicly said of a table, and last from the table itself, to a source's declaration and its origins."""
