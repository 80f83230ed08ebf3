"""Views: documents of the API in, what a template shows out. Pure: no clock, no I/O."""
