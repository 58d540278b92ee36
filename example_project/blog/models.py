"""The one model of the example: a post with an image."""

from django.conf import settings
from django.db import models
from django.urls import reverse


class Post(models.Model):
    """What a user wrote, with an optional image that lands under /media/posts/."""

    title = models.CharField(max_length=100)
    text = models.TextField(blank=True)
    image = models.ImageField(upload_to="posts/", blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the post's own page."""
        return reverse("blog:detail", args=[self.pk])
