"""What a resource must be: rules as plain functions, and a pack that only lists them."""
