"""What generation takes and answers: every JSON document of its API, written once."""
