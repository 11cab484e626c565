"""A local stand-in for an Azure subscription: ARM, containers, a model registry."""
