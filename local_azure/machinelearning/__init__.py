"""The Azure ML workspace as a model registry: what `azureml-core` asks of it."""
