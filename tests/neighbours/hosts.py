"""django-hosts' patterns: one more host, with a URLconf of its own."""

from django_hosts import host, patterns

host_patterns = patterns(
    "",
    host(r"api", "tests.neighbours.api_urls", name="api"),
    host(r".*", "tests.project.urls", name="site"),
)
