"""What a shop's server would write to tell of a visit, once per Python client."""
