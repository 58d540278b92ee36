"""Server-rendered pages: Django's templates next to a separate frontend, on one origin."""

from django.views.generic import DetailView, ListView

from blog.models import Post


class PostList(ListView):
    """All posts, the newest first."""

    queryset = Post.objects.select_related("author")
    template_name = "blog/list.html"
    context_object_name = "posts"


class PostDetail(DetailView):
    """One post."""

    queryset = Post.objects.select_related("author")
    template_name = "blog/detail.html"
    context_object_name = "post"
