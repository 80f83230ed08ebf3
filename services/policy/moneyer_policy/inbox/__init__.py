"""What waits for one person, in all of policy: the last wing, for it asks every other."""
