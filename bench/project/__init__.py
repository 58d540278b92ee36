"""A Django project whose one view does nothing; everything else is the frontend's."""
