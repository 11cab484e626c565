"""What runs in the container, and the commands that build and push it.

`score.py` owns the model, `server/` owns HTTP, `image/` makes the image. Only the first two and the
modules beside this file go into the image.
"""
