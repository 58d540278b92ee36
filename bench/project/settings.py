"""Settings with our middleware alone, shared by the proxied requests and the view beside them."""

import os

SECRET_KEY = "benchmark"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "bench.project.urls"
MIDDLEWARE = ["samesite_proxy.middleware.SameSiteProxyMiddleware"]
SAMESITE_PROXY = {
    "FRONTEND": os.environ["BENCH_UPSTREAM"],
    "DJANGO_PATHS": ["/noop", "/async-noop", "/burn"],
    "CA_FILE": os.environ.get("BENCH_CA") or None,
}
USE_TZ = True
# runserver's line per request and urllib3's per connection would be measured too.
LOGGING = {"version": 1, "root": {"level": "ERROR"}, "loggers": {"django": {"level": "ERROR"}}}
