"""Commands that decide and record it: gates, containment, incidents."""
