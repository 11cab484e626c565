"""The image: the files of the service as an OCI layout, and its way to a registry."""
