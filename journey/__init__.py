"""The whole life cycle on one machine; the one room that knows all the others."""
