"""A protocol version as frozen values, and the arithmetic of offsets."""
