"""Attacks on the service, each with what it may cost at most. Development only."""
