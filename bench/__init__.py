"""The benchmark: our middleware and our fast path against proxies and a view that does nothing."""
