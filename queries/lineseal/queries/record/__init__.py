"""What happened, and who did it? Decisions, overrides, access, feedback and the inventory."""
