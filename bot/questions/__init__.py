"""What people asked and nobody could answer, and notes they left for a person."""
