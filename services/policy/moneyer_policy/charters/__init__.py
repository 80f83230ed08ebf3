"""Charters: the written purposes, from draft to retired."""
