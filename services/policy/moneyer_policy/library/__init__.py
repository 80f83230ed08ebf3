"""The library: configurations, criteria, questionnaires, training and access policies."""
