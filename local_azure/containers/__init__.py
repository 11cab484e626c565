"""Container groups: the files of images, run as supervised processes at addresses of their own."""
