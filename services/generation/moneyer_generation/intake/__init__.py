"""Uploads: the bytes of a request, received under seal."""
