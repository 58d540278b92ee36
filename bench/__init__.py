"""The benchmark: our middleware, nginx, django-revproxy, and a Django view that does nothing."""
