"""The one exception of reading Azure."""


class ArmError(Exception):
    """Azure was not reached, or refused. The message is one line."""
