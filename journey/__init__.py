"""The whole life cycle on one machine, as a user would type it; the one room that knows the others."""
