"""The azure-native plugin of the stand-in: the engine on one side, ARM on the other."""
