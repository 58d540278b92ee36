"""The views of the test project, with one that forks."""

import os
import time

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tests.project.urls import urlpatterns as own


def fork(request: HttpRequest) -> HttpResponse:
    """A child that does nothing, and lives until it is killed."""
    child = os.fork()
    if child == 0:
        os.closerange(0, 3)
        time.sleep(60)
        os._exit(0)
    return HttpResponse(str(child))


urlpatterns = [path("api/", include([path("fork/", fork)])), *own]
