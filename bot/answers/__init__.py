"""Which entry of the content answers a question, or none."""
