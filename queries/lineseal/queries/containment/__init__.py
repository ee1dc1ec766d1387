"""What is frozen, held or in quarantine, and what would stop? Orders, and what they reach."""
