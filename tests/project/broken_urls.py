"""A URLconf that cannot be imported."""

raise LookupError("this URLconf is broken")
