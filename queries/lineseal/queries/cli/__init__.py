"""The commands that ask: ``trace``, ``impact``, ``sql``, ``rejects``, ``producers``, ``status``."""
