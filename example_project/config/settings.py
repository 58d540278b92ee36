"""Settings of the example project: Django's usual ones, one line of ours, and an optional one."""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

# An example on your own machine: a real project keeps its key secret and DEBUG off.
SECRET_KEY = "insecure-example-key"
DEBUG = True
ALLOWED_HOSTS: list[str] = []  # With DEBUG on: localhost, *.localhost, 127.0.0.1 and [::1].

INSTALLED_APPS = [
    "samesite_proxy",  # Optional, and first: runserver's fast path, and the system checks.
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "api",
    "blog",
    "dj",
]

# The one line that matters stands first. What no URL below claims is the frontend's, and the
# frontend is at http://localhost:3000 unless SAMESITE_PROXY says otherwise.
MIDDLEWARE = [
    "samesite_proxy.middleware.SameSiteProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": VAR_DIR / "db.sqlite3"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOGIN_URL = "/dj/login/"
LOGIN_REDIRECT_URL = "/"  # The frontend's page: one origin, so Django just redirects to it.
LOGOUT_REDIRECT_URL = "/"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR_DIR / "media"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
