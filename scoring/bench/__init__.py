"""Measures the service beside Microsoft's own server, and keeps it busy for a long time.

It never runs in the container.
"""
