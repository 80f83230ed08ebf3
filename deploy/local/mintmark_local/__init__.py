"""The whole of mintmark on one machine, with nothing installed by hand."""
