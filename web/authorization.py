"""What a request says about its caller."""


def bearer_token(authorization: str) -> str:
    """What such a header says after `Bearer`; "" if it says something else."""
    scheme, _, text = authorization.strip().partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""
