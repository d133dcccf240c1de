"""Makes keys in OpenAI's shapes at run time, so that no file holds one."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits
_MARK = "T3Blbk" + "FJ"


def make_key(kind: str = "proj", length: int = 74) -> str:
    """A new key: `proj`, `svcacct` or `admin` with 58 or 74 a side, or with kind "" the old shape."""
    side = length if kind else 20
    left, right = ("".join(secrets.choice(_ALPHABET) for _ in range(side)) for _ in range(2))
    return "sk-" + (f"{kind}-" if kind else "") + left + _MARK + right
