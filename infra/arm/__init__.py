"""Azure Resource Manager, read only: the one client of the drift check and the preflight."""
