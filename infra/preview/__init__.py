"""What Pulumi said, as values: events, the plan, property paths, changes, state."""
