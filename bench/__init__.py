"""The benchmark: our middleware and our door against other proxies and a view that does nothing."""
