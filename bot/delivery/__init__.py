"""What is sent later, and what the clock starts."""
