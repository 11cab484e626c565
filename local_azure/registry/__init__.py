"""Container registries: the OCI distribution protocol with Azure Container Registry's login."""
