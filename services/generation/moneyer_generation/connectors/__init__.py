"""Fetching tables from databases, folders and object stores, each in a process of its own that knows one secret."""
