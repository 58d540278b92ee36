"""The form that checks a new post, its image included."""

from django import forms

from blog.models import Post


class PostForm(forms.ModelForm):
    """A new post; the author comes from the session."""

    class Meta:
        model = Post
        fields = ("title", "text", "image")
