"""Reviews: who decides, by what quorum, and how a vote is held."""
