"""Asks Azure, before anything changes, what would refuse the next update."""
