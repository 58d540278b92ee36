"""A login, and what it opens."""

from __future__ import annotations

from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST


@ensure_csrf_cookie
def me(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"user": request.user.get_username()})


@require_POST
def enter(request: HttpRequest) -> JsonResponse:
    user, _ = User.objects.get_or_create(username=request.POST["name"])
    login(request, user)
    return JsonResponse({"user": user.get_username()})


urlpatterns = [path("api/", include([path("me/", me), path("login/", enter)]))]
