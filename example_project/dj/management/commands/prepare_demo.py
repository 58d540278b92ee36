"""manage.py prepare_demo: the user demo (password demo) and a first post. Harmless to repeat."""

import io
from typing import Any

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand
from PIL import Image

from blog.models import Post


def _picture() -> bytes:
    """Paint a small gradient, so that the first post has an image."""
    falling = Image.linear_gradient("L").resize((640, 240))
    rising = falling.rotate(180)
    plain = Image.new("L", falling.size, 190)
    out = io.BytesIO()
    Image.merge("RGB", (falling, rising, plain)).save(out, "PNG")
    return out.getvalue()


class Command(BaseCommand):
    """Create what the example needs to be tried at once."""

    help = "Creates the user demo (password: demo) and a first post."

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the user and, when there is none yet, a post."""
        user, _ = User.objects.get_or_create(username="demo")
        user.is_staff = user.is_superuser = True
        if not user.check_password("demo"):
            user.set_password("demo")
        user.save()
        if not Post.objects.exists():
            Post.objects.create(
                title="Two servers, one site",
                text="This page is rendered by Django. The front page is not: it comes from the "
                "frontend server. Your browser sees one origin and needs no permission.",
                image=ContentFile(_picture(), "first.png"),
                author=user,
            )
