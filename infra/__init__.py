"""The Pulumi program: the Azure ML workspace, the image registry and the container group."""
