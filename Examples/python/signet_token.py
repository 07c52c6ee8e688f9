"""Verifies license tokens, signed key sets and lists of revoked licenses without a network (docs/token-format.md).

Python 3.9 or later and the package `cryptography`. Every function is told the time and touches nothing.
"""

import base64
import json
import zlib

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:  # named in the status, never taken for "invalid"
    Ed25519PublicKey = None

TOKEN_BYTES_MAX = 8192
KEY_SET_BYTES_MAX = 65_536
REVOKED_KEYS_MAX = 256
REVOCATIONS_BYTES_MAX = 4_194_304
REVOCATION_BITS_BYTES_MAX = 2_097_152  # decompressed, whatever the stream would grow to
REVOCATION_NAMES_MAX = 100_000
CLOCK_TOLERANCE = 300
INTEGER_MAX = 2**53 - 1
BINDINGS = {
    "dom": ("domain", "wrong_domain"),
    "ip": ("address", "wrong_address"),
    "inst": ("installation_id", "wrong_installation"),
}

# MARK: The three signed texts


def verify(token, keys, installation, product, issuer, now, revocations=None):
    """Returns the claims of a license token (a dict), or the code of the refusal (a str).

    `keys`: of `read_key_set` or of an accepted key set. `installation`: a dict with `domain`, `address` and
    `installation_id`, canonical strings or None. `product`, `issuer`: None to accept any. `now`: unix seconds.
    `revocations`: the list that is held, see `read_revocations`. Raises RuntimeError if `cryptography` is missing.
    """
    claims = _open(token, TOKEN_BYTES_MAX, "lic+jwt", keys)
    if isinstance(claims, str):
        return claims
    if not _are_claims(claims):
        return "malformed_claims"
    if issuer is not None and claims["iss"] != issuer:
        return "wrong_issuer"
    if product is not None and claims["aud"] != product:
        return "wrong_product"
    if now < claims["nbf"] - CLOCK_TOLERANCE:
        return "not_yet_valid"
    if now >= claims["exp"]:
        return "expired"
    for claim, (name, refusal) in BINDINGS.items():
        if claim in claims["bind"] and claims[claim] != installation.get(name):
            return refusal
    return "revoked" if revocations and _is_revoked(claims, revocations) else claims


def accept_key_set(document, root, held, issuer, now):
    """A key set that just arrived (as `restore_key_set`), or the code of the refusal. `held`: the one accepted before,
    or None: an older one, or another one of the same number, is refused."""
    new = restore_key_set(document, root)
    if isinstance(new, str):
        return new
    if refusal := _news_refusal(new, issuer, now):
        return refusal
    if held and document != held["document"] and new["seq"] <= held["seq"]:
        return "outdated"
    return new


def restore_key_set(document, root):
    """A key set that was accepted before (a dict: `seq`, `keys` for `verify`, `document`), or the code of the refusal.
    `root`: of `read_root`. Its end does not matter: a vendor's silence makes no license invalid."""
    claims = _open(document, KEY_SET_BYTES_MAX, "keyset+jwt", root)
    if isinstance(claims, str):
        return claims
    if not _have(claims, KEY_SET_CLAIMS) or claims["seq"] < 1 or len(claims["revoked"]) > REVOKED_KEYS_MAX:
        return "malformed_claims"
    try:
        keys = _keys_of(claims["keys"])
    except ValueError:
        return "malformed_claims"
    revoked = {entry["kid"]: None for entry in claims["revoked"]}
    if not keys or len(revoked) != len(claims["revoked"]) or revoked.keys() & keys.keys():
        return "malformed_claims"
    return {**claims, "keys": {**keys, **revoked}, "document": document}


def read_revocations(text, keys, issuer, now=None):
    """The list of revoked licenses (a dict: `iss`, `seq`, `bits`, `act`, `lic`), or the code of the refusal.

    `now`: for a list that just arrived; None for one that is held, which keeps counting after its end.
    """
    claims = _open(text, REVOCATIONS_BYTES_MAX, "statuslist+jwt", keys)
    if isinstance(claims, str):
        return claims
    claims = {"act": [], "lic": [], **claims}
    if not _have(claims, REVOCATION_CLAIMS) or max(len(claims["act"]), len(claims["lic"])) > REVOCATION_NAMES_MAX:
        return "malformed_claims"
    try:
        bits = _status_bits(claims["status_list"])
    except (ValueError, zlib.error):
        return "malformed_claims"
    if refusal := _news_refusal(claims, issuer, now):
        return refusal
    return {**claims, "bits": bits, "act": set(claims["act"]), "lic": set(claims["lic"])}


def _open(text, bytes_max, kind, keys):
    """The claims of a signed text whose type is `kind` (a dict), or the code of the refusal (a str)."""
    if len(text) > bytes_max or text.count(".") != 2:
        return "malformed"
    try:
        head, payload, signature = [_base64url(part) for part in text.split(".")]
        header = read_json(head)
    except ValueError:
        return "malformed"
    if not isinstance(header, dict):
        return "malformed"
    if header.get("alg") not in ("EdDSA", "Ed25519"):
        return "unsupported_algorithm"
    if header.get("typ") != kind:
        return "wrong_type"
    if "crit" in header:
        return "unsupported_critical"
    kid = header.get("kid")
    if not isinstance(kid, str) or kid not in keys:
        return "unknown_key"
    if keys[kid] is None:
        return "revoked_key"
    if not _is_signed(signature, text.rpartition(".")[0].encode(), keys[kid]):
        return "bad_signature"
    try:
        claims = read_json(payload)
    except ValueError:
        return "malformed_claims"
    return claims if isinstance(claims, dict) else "malformed_claims"


def _news_refusal(claims, issuer, now):
    """Why a key set or list is not taken in as news, or None."""
    if issuer is not None and claims["iss"] != issuer:
        return "wrong_issuer"
    if now is not None and now < claims["iat"] - CLOCK_TOLERANCE:
        return "not_yet_valid"
    return "expired" if now is not None and now >= claims["exp"] else None


def _is_revoked(claims, revocations):
    if revocations["iss"] != claims["iss"]:
        return False  # it says nothing about another issuer's licenses
    byte, bit = divmod(claims["status"], 8)
    bits = revocations["bits"]
    return (byte < len(bits) and bits[byte] >> bit & 1 == 1) or claims["act"] in revocations["act"]


def _status_bits(status_list):
    """One bit for each license, least significant first. Raises ValueError or zlib.error."""
    if type(status_list.get("bits")) is not int or status_list["bits"] != 1 or not _is_string(status_list.get("lst")):
        raise ValueError("not a status list of one bit each")
    stream = zlib.decompressobj()
    data = stream.decompress(_base64url(status_list["lst"]), REVOCATION_BITS_BYTES_MAX + 1)
    if not stream.eof or stream.unused_data or len(data) > REVOCATION_BITS_BYTES_MAX:
        raise ValueError("not one whole ZLIB stream of the permitted size")
    return data


# MARK: Keys


def read_key_set(jwks):
    """Public keys by key id; keys that are not Ed25519 are left out. Raises ValueError if the set is unusable.

    In the keys of a signed key set, a revoked key id has None in place of its key.
    """
    whole = read_json(jwks.encode())
    if not isinstance(whole, dict) or not isinstance(whole.get("keys"), list):
        raise ValueError("the key set is not a JWKS")
    return _keys_of(whole["keys"])


def read_root(jwk):
    """The pinned root as keys for `accept_key_set`. Raises ValueError if it is not one Ed25519 key."""
    root = _keys_of([read_json(jwk.encode())])
    if not root:
        raise ValueError("the root is no Ed25519 key")
    return root


def _keys_of(entries):
    keys = {}
    for key in entries:
        if not isinstance(key, dict):
            raise ValueError("the key set holds something that is not a key")
        if key.get("kty") != "OKP" or key.get("crv") != "Ed25519":
            continue
        kid, x = key.get("kid"), key.get("x")
        raw = _base64url(x) if isinstance(x, str) else b""
        if len(raw) != 32 or not isinstance(kid, str) or not kid or kid in keys:
            raise ValueError("the key set holds a damaged or repeated Ed25519 key")
        keys[kid] = raw
    return keys


def _is_signed(signature, message, key):
    if Ed25519PublicKey is None:
        raise RuntimeError("the package cryptography is missing")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


# MARK: Spelling


def read_json(data):
    """The value of strict JSON text: UTF-8, no name twice, at most 16 levels. Raises ValueError."""

    def members(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a member name twice")
        return dict(pairs)

    def refuse(word):
        raise ValueError(f"{word} is not JSON")

    def levels(value):
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inside is None else 1 + max(map(levels, inside), default=0)

    try:
        value = json.loads(data.decode(), object_pairs_hook=members, parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode()  # raises for half a surrogate pair
        if levels(value) > 16:
            raise ValueError("more than 16 levels")
    except RecursionError:
        raise ValueError("more than 16 levels") from None
    return value


def _base64url(text):
    """The bytes that unpadded Base64url spells. Raises ValueError unless this is their one spelling."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if not text or base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise ValueError("not canonical Base64url")
    return data


# MARK: Claims


def _is_string(value):
    return isinstance(value, str)


def _is_integer(value):
    return type(value) is int and 0 <= value <= INTEGER_MAX  # a bool is no integer


def _is_list(value):
    return isinstance(value, list)


def _is_object(value):
    return isinstance(value, dict)


def _is_strings(value):
    return isinstance(value, list) and all(map(_is_string, value))


def _is_revoked_keys(value):
    return isinstance(value, list) and all(
        isinstance(entry, dict) and _is_string(entry.get("kid")) and entry["kid"] and _is_integer(entry.get("at"))
        for entry in value
    )


def _or_null(is_type):
    return lambda value: value is None or is_type(value)


CLAIMS = {
    **dict.fromkeys(["iss", "sub", "aud", "jti", "plan"], _is_string),
    **dict.fromkeys(["iat", "nbf", "exp", "grace", "max", "used", "ver", "status", "next", "st"], _is_integer),
    **dict.fromkeys(["dom", "ip", "inst", "act"], _or_null(_is_string)),
    **dict.fromkeys(["feat", "bind"], _is_strings),
    "lic_exp": _or_null(_is_integer),
}
KEY_SET_CLAIMS = {
    "iss": _is_string, **dict.fromkeys(["seq", "iat", "exp"], _is_integer), "keys": _is_list,
    "revoked": _is_revoked_keys,
}
REVOCATION_CLAIMS = {
    **dict.fromkeys(["iss", "sub"], _is_string), **dict.fromkeys(["iat", "exp", "ttl", "seq"], _is_integer),
    "status_list": _is_object, **dict.fromkeys(["act", "lic"], _is_strings),
}


def _have(claims, types):
    return all(name in claims and is_type(claims[name]) for name, is_type in types.items())


def _are_claims(claims):
    if not _have(claims, CLAIMS):
        return False
    bind = claims["bind"]
    return (
        0 < len(bind) == len(set(bind))
        and all(name in BINDINGS and claims[name] for name in bind)
        and _is_string(claims.get("nonce", ""))
    )
