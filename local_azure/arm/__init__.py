"""Azure Resource Manager: resources by id, their life cycle, login and metadata."""
