"""The model and its evidence: data, training, validation, registry and smoke tests."""
