"""The measures: tables in, estimates out, seed explicit."""
