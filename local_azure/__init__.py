"""A local stand-in for an Azure subscription: ARM, the azure-native plugin, containers, a model registry."""
