"""HTTP/1.1 over sockets. It knows the application's interface and no model."""
