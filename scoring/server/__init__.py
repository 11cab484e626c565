"""HTTP: a connection speaks the protocol, the service knows the routes, the worker runs both."""
