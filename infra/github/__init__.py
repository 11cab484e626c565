"""GitHub: the client, and what reviews and drift checks keep there."""
