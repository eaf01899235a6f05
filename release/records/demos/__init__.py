"""What is recorded of demos: one item for each, from before anything of it is made until nothing of it is left."""
