"""Processes: workers, their supervisor, what they share."""
