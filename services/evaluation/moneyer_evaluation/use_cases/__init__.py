"""What evaluation does for its callers and by itself: documents in, a document out, one transaction each."""
