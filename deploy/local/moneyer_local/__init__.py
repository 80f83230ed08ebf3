"""The whole of moneyer on one machine, with nothing installed by hand."""
