"""The target `aks`: the same service on Kubernetes."""
