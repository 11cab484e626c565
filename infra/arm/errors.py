"""The one exception of reading Azure."""


class ArmError(Exception):
    """Azure was not reached, or refused. The message is one line.

    Attributes:
        code: Azure's own code, or empty.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code
