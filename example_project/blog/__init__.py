"""Posts with images, rendered by Django under /blog/."""
