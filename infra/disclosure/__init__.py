"""What may be shown to a reader, and what is hidden."""
