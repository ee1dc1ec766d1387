"""Members of every case that are files of ours: its verifier and its page."""
