"""What to roll back to, and what to make again? The last good version, the order of retraining."""
