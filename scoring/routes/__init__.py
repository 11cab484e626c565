"""The application: routes, refusals and answers. It knows no socket."""
