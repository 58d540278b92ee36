"""One origin for Django and its frontend server: Django is the reverse proxy.

``samesite_proxy.middleware.SameSiteProxyMiddleware`` is all that a project names.
"""

__version__ = "0.1.0"
