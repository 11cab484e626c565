"""What runs in the container, and the commands that build and push it.

`score.py` and `model/` own the model, `routes/` is the application, `http/` speaks HTTP, `process/`
runs the workers. `image/` makes the image of them; it and `bench/` are no part of it.
"""
