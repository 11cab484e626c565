"""The model: loaded and checked, whatever made it."""
