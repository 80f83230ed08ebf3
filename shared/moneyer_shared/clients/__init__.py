"""Typed calls to the services that other services need."""
