"""The Azure ML workspace as a model registry: what `azureml-core` and `azure-ai-ml` ask of it."""
