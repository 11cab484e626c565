"""How a stack's configuration is read and checked, and its table for people."""
