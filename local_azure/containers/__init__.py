"""Container groups whose containers are processes of this machine."""
