"""The rules that a protocol must keep beyond its shape."""
