"""What people look at: one layout and one style for every page that a command writes.

A page is one file: style, pictures and script are in it, nothing is fetched. The rooms bring their
own templates; this one knows none of them, and no matplotlib, so that `infra` may use it.
"""
