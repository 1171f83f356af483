"""A message walks in, and its reply walks back the same way."""
