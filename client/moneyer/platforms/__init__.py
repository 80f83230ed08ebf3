"""Plug-ins for machine learning platforms, thin on the client; each needs the platform's own package."""
