"""`Microsoft.ContainerService/managedClusters`: a real control plane, pods as processes."""
