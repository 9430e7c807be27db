"""`provider new`: a complete provider project to start from. The template is text; `mycloud` in it becomes the name."""
