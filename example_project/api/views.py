"""Who am I, and the posts, in JSON. Sessions and CSRF tokens are Django's usual ones."""

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_safe

from blog.forms import PostForm
from blog.models import Post


def _as_json(post: Post) -> dict[str, Any]:
    return {
        "id": post.pk,
        "title": post.title,
        "text": post.text,
        "author": post.author.get_username(),
        "image": post.image.url if post.image else None,
        "url": post.get_absolute_url(),
    }


@require_safe
@never_cache
@ensure_csrf_cookie  # The page's JavaScript reads the token from this cookie.
def me(request: HttpRequest) -> JsonResponse:
    """Name the user of this session, or null."""
    user = request.user
    return JsonResponse({"username": user.get_username() if user.is_authenticated else None})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def posts(request: HttpRequest) -> JsonResponse:
    """List the newest posts, or create one from a multipart form with an image."""
    if request.method != "POST":
        newest = Post.objects.select_related("author")[:20]
        return JsonResponse({"posts": [_as_json(post) for post in newest]})
    if not isinstance(request.user, User):
        return JsonResponse({"detail": "Log in on /dj/login/ first."}, status=401)
    form = PostForm(request.POST, request.FILES)
    if not form.is_valid():
        return JsonResponse({"detail": form.errors}, status=400)
    post: Post = form.save(commit=False)
    post.author = request.user
    post.save()
    return JsonResponse(_as_json(post), status=201)
