#!/usr/bin/env python3
# tidy:allow file-length one table of cases; splitting would hide what is missing
"""Writes the test vectors beside this file, or with --check fails if they differ from what it would write.

Needs Python 3.9 and the package `cryptography`. There is no chance and no clock in here: every run writes the same
bytes. README.md explains the files.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import sys
import unicodedata

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import offline_vectors

HERE = pathlib.Path(__file__).resolve().parent
NOW = 1_800_000_000  # 2027-01-15T08:00:00Z
DAY = 86_400
ORDER = 2**252 + 27742317777372353535851937790883648493  # L of RFC 8032 section 5.1
INTEGER_MAX = 2**53 - 1
TOKEN_MAX = 8192


def encode(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def second_spelling(text: str) -> str:
    """Base64url of the same bytes whose unused trailing bits are not zero."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spelling = text[:-1] + alphabet[alphabet.index(text[-1]) + 1]
    assert len(text) % 4 and base64.urlsafe_b64decode(spelling + "==") == base64.urlsafe_b64decode(text + "==")
    return spelling


def compact(value) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


# MARK: Keys

class Key:
    """An Ed25519 key pair from a published seed, and its key id."""

    def __init__(self, seed: str):
        self.private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.x = encode(self.public)
        thumbprint = hashlib.sha256(b'{"crv":"Ed25519","kty":"OKP","x":"%s"}' % self.x.encode()).digest()
        self.kid = encode(thumbprint)[:8]

    def jwk(self, **changes) -> dict:
        whole = {"kty": "OKP", "crv": "Ed25519", "x": self.x, "kid": self.kid, "use": "sig", "alg": "EdDSA", **changes}
        return {name: value for name, value in whole.items() if value is not ABSENT}


ABSENT = object()
# RFC 8032 section 7.1: seed, public key, message, signature.
RFC8032 = {
    "TEST 1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    "TEST 2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    "TEST 3": (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
}
ONE, TWO, UNKNOWN = (Key(row[0]) for row in RFC8032.values())
assert ONE.kid == "kPrK_qmx", "RFC 8037 appendix A.3 gives kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


# MARK: Tokens

HEADER = {"alg": "EdDSA", "typ": "lic+jwt", "kid": ONE.kid}
CLAIMS = {
    "iss": "signet",
    "sub": "lic_0Q5SZ3MHT8V1D",
    "aud": "whm-panel",
    "jti": encode(bytes(range(16))),
    "iat": NOW - 3600,
    "nbf": NOW - 3600,
    "exp": NOW - 3600 + 14 * DAY,
    "lic_exp": NOW + 200 * DAY,
    "grace": 7 * DAY,
    "plan": "professional",
    "max": 1,
    "used": 1,
    "feat": ["whm", "billing", "support"],
    "dom": "example.com",
    "ip": "192.0.2.10",
    "inst": None,
    "act": "act_0Z7K2N4P9R3TB",
    "ver": 3,
    "status": 17,
    "next": NOW - 3600 + DAY,
    "st": NOW - 3600,
    "bind": ["dom"],
}
INSTALLATION = {"domain": "example.com", "address": "192.0.2.10", "installation_id": "panel-7f3a"}


def changed(whole: dict, **changes) -> dict:
    """`whole` with members replaced, added, or taken out (ABSENT)."""
    return {name: value for name, value in {**whole, **changes}.items() if value is not ABSENT}


def claims(**changes) -> dict:
    return changed(CLAIMS, **changes)


def header(**changes) -> dict:
    return changed(HEADER, **changes)


def signing_input(head, body) -> str:
    """The two first parts. A dict is written as compact JSON, bytes are taken as they are."""
    return ".".join(encode(part if isinstance(part, bytes) else compact(part)) for part in (head, body))


def token(body=CLAIMS, head=HEADER, key=ONE, sign=None) -> str:
    """A token, signed by `key` unless `sign` makes the signature bytes from the signing input."""
    text = signing_input(head, body)
    return text + "." + encode((sign or key.private.sign)(text.encode()))


CASES = []


def case(name, token, expect, why, now=None, product="whm-panel", issuer="signet", **installation):
    entry = {
        "name": name,
        "token": token,
        "installation": {**INSTALLATION, **installation},
        "product": product,
        "issuer": issuer,
    }
    if now is not None:
        entry["now"] = now
    CASES.append({**entry, "expect": expect, "why": why})


def replaced(text: bytes, old: bytes, new: bytes) -> bytes:
    assert text.count(old) == 1, (old, text)
    return text.replace(old, new)


def nested(levels: int) -> list:
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


VALID = token()


def valid_cases():
    case("bound to a domain", VALID, "valid", "the plain case: bind is [\"dom\"]")
    case("bound to an installation id", token(claims(inst="panel-7f3a", bind=["inst"])), "valid", "bind is [\"inst\"]")
    case("bound to an address", token(claims(bind=["ip"])), "valid", "bind is [\"ip\"]")
    case("bound to an IPv6 address", token(claims(ip="2001:db8::1", bind=["ip"])), "valid", "RFC 5952 text is compared",
         address="2001:db8::1")
    case("bound to all three", token(claims(inst="panel-7f3a", bind=["dom", "ip", "inst"])), "valid", "all must match")
    case("bound in another order", token(claims(inst="panel-7f3a", bind=["inst", "dom"])), "valid", "bind is a set")
    case("an address literal as domain", token(claims(dom="192.0.2.10")), "valid",
         "an installation without a name", domain="192.0.2.10")
    case("not bound to the address", VALID, "valid", "ip is informative unless bind names it", address="198.51.100.9")
    case("no address known, none bound", VALID, "valid", "a verifier may know only what is bound",
         address=None, installation_id=None)
    case("a lifetime license", token(claims(lic_exp=None)), "valid", "lic_exp null: never")
    case("unlimited activations", token(claims(max=0)), "valid", "max 0: no limit")
    case("no features", token(claims(feat=[])), "valid", "feat may be empty")
    case("a development host", token(claims(dom="localhost", act=None, exp=NOW + DAY - 3600)), "valid",
         "act is null: nothing is stored, nothing is counted", domain="localhost")
    case("an A-label domain", token(claims(dom="xn--bcher-kva.example.com")), "valid", "compared as it is written",
         domain="xn--bcher-kva.example.com")
    case("plan and features in Unicode", token(claims(plan="Größe ✓", feat=["日本語", "🦊"])), "valid", "raw UTF-8")
    case("the same in escapes",
         token(json.dumps(claims(plan="Größe ✓", feat=["日本語", "🦊"])).encode()), "valid",
         "\\u escapes, a surrogate pair among them, are the same text")
    case("a nonce", token(claims(nonce="pQ2f1cE0s8n4QmBqgq9m0A")), "valid", "present when the request had one")
    case("an unknown claim", token(claims(seats_left=4, more={"a": [1, 2.5, None, True]})), "valid", "additive format")
    case("claims named like JavaScript's own", token(claims(constructor=1, **{"__proto__": {"dom": "x"}})), "valid",
         "unknown claims, whatever their names")
    case("names that differ only by normalization",
         token(claims(**{unicodedata.normalize("NFC", "é"): 1, unicodedata.normalize("NFD", "é"): 2})), "valid",
         "two names: names are compared by code points, never by canonical equivalence")
    case("an unknown header member", token(head=header(x5t="abc", cty="json")), "valid", "only crit is special")
    case("an embedded key beside a known kid", token(head=header(jwk=UNKNOWN.jwk())), "valid",
         "a key inside the token is never used")
    case("header in another order, with white space",
         token(head=b' { "kid" : "%s",\n\t"typ":"lic+jwt","alg":"EdDSA"}\r\n' % ONE.kid.encode()), "valid",
         "JSON white space and order mean nothing")
    case("alg Ed25519", token(head=header(alg="Ed25519")), "valid", "the name of RFC 9864")
    case("the second pinned key", token(head=header(kid=TWO.kid), key=TWO), "valid", "several keys are pinned")
    case("exactly 300 s before nbf", VALID, "valid", "the skew allowed to a slow clock", now=CLAIMS["nbf"] - 300)
    case("one second before exp", VALID, "valid", "the last second", now=CLAIMS["exp"] - 1)
    case("after lic_exp", token(claims(lic_exp=NOW - DAY)), "valid",
         "lic_exp is informative: exp already ends with license plus grace")
    case("no product told", VALID, "valid", "a verifier that is told none does not compare", product=None)
    case("no issuer told", VALID, "valid", "a verifier that is told none does not compare", issuer=None)
    case("the largest integer", token(claims(max=INTEGER_MAX)), "valid", "2^53 - 1")
    case("a payload 16 levels deep", token(claims(more=nested(15))), "valid", "the object is level 1")
    pad = next("p" * size for size in range(5000, 6000) if len(token(claims(pad="p" * size))) >= TOKEN_MAX)
    assert len(token(claims(pad=pad))) == TOKEN_MAX
    case("exactly 8192 bytes", token(claims(pad=pad)), "valid", "the longest token")
    case("8193 bytes", VALID + "A" * (TOKEN_MAX + 1 - len(VALID)), "malformed", "too long")
    case("over 8192 bytes, correctly signed", token(claims(pad=pad + "ppp")), "malformed", "too long, whatever it says")


def envelope_cases():
    head, body, signature = VALID.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    sloppy = second_spelling(signature)
    plain_signature = base64.b64encode(raw).rstrip(b"=").decode()
    assert plain_signature != signature, "this signature must hold - or _"
    for name, text, why in [
        ("empty", "", "nothing"),
        ("a license key", "0123-4567-89AB-CDEF", "one part"),
        ("two parts", f"{head}.{body}", "no signature"),
        ("four parts", f"{VALID}.{signature}", "one part too many"),
        ("five parts", f"{head}.{body}.{signature}.{head}.{body}", "the shape of a JWE"),
        ("a trailing dot", VALID + ".", "a fourth, empty part"),
        ("an empty header", f".{body}.{signature}", "empty part"),
        ("an empty payload", f"{head}..{signature}", "empty part (a detached payload)"),
        ("an empty signature", f"{head}.{body}.", "empty part"),
        ("padding on the signature", VALID + "==", "padding has no place in a JWS"),
        ("padding on the header", f"{head}=.{body}.{signature}", "padding has no place in a JWS"),
        ("a trailing newline", VALID + "\n", "white space; a client trims what it reads from a file"),
        ("a leading space", " " + VALID, "white space"),
        ("a line break inside", f"{head}.{body[:76]}\r\n{body[76:]}.{signature}", "wrapped Base64"),
        ("a NUL at the end", VALID + "\0", "a byte outside the alphabet"),
        ("plain Base64 signature", f"{head}.{body}.{plain_signature}", "+ and / are the other alphabet"),
        ("a plus in the header", f"{head}+AAA.{body}.{signature}", "+ is the other alphabet"),
        ("a non-ASCII character", f"{head}.{body}.é{signature[1:]}", "a character outside the alphabet"),
        ("an impossible length", f"{head}.{body}.{signature}AAA", "89 characters: one over a multiple of four"),
        ("non-zero trailing bits", f"{head}.{body}.{sloppy}", "the same 64 bytes in a second spelling"),
    ]:
        case(name, text, "malformed", why)

    for name, text, why in [
        ("header: an array", b'["EdDSA"]', "not an object"),
        ("header: a string", b'"EdDSA"', "not an object"),
        ("header: null", b"null", "not an object"),
        ("header: not JSON", b"alg=EdDSA", "not JSON"),
        ("header: cut off", compact(HEADER)[:-1], "not a whole JSON text"),
        ("header: a byte order mark", b"\xef\xbb\xbf" + compact(HEADER), "RFC 8259 section 8.1"),
        ("header: invalid UTF-8", replaced(compact(header(cty="x")), b'"x"', b'"\xff"'), "not UTF-8"),
        ("header: an overlong encoding", replaced(compact(header(cty="x")), b'"x"', b'"\xc0\xaf"'), "not UTF-8"),
        ("header: a surrogate in UTF-8", replaced(compact(header(cty="x")), b'"x"', b'"\xed\xa0\x80"'), "not UTF-8"),
        ("header: a lone surrogate escape", replaced(compact(header(cty="x")), b'"x"', b'"\\ud800"'), "not text"),
        ("header: trailing bytes", compact(HEADER) + b"{}", "two JSON texts"),
        ("header: a trailing comma", compact(HEADER)[:-1] + b",}", "not JSON"),
        ("header: a comment", b"/**/" + compact(HEADER), "not JSON"),
        ("header: alg twice", b'{"alg":"none",' + compact(HEADER)[1:], "duplicate member"),
        ("header: kid twice, the same", compact(HEADER)[:-1] + b',"kid":"%s"}' % ONE.kid.encode(), "duplicate member"),
        ("header: alg twice by escape", b'{"\\u0061lg":"none",' + compact(HEADER)[1:], "the names are equal when read"),
        ("header: a duplicate inside an unknown member", compact(HEADER)[:-1] + b',"more":{"a":1,"a":1}}', "duplicate"),
        ("header: 17 levels deep", compact(header(more=nested(16))), "over 16 levels"),
    ]:
        case(name, token(head=text), "malformed", why)
    case("header: thousands of levels", encode(b"[" * 5000) + f".{body}.{signature}", "malformed", "no stack is spent")


def header_cases():
    for name, alg in [
        ("none", "none"), ("None", "None"), ("HS256", "HS256"), ("lower case", "eddsa"), ("upper case", "EDDSA"),
        ("RS256", "RS256"), ("ES256", "ES256"), ("Ed448", "Ed448"), ("empty", ""), ("absent", ABSENT), ("null", None),
        ("a number", 1), ("an array", ["EdDSA"]), ("with a space", "EdDSA "),
    ]:
        case(f"alg {name}", token(head=header(alg=alg)), "unsupported_algorithm", "only EdDSA and Ed25519")
    case("alg none, unsigned", signing_input(header(alg="none"), CLAIMS) + ".", "malformed", "the empty part comes first")
    for name, secret in [("raw bytes", ONE.public), ("x", ONE.x.encode()), ("JWK", compact(ONE.jwk()))]:
        case(f"HS256 with the public key ({name}) as secret",
             token(head=header(alg="HS256"), sign=lambda text: hmac.new(secret, text, "sha256").digest()),
             "unsupported_algorithm", "the attack on verifiers that let the token choose")
    case("HS256 tag under alg EdDSA", token(sign=lambda text: hmac.new(ONE.public, text, "sha256").digest()),
         "bad_signature", "32 bytes are no Ed25519 signature")

    for name, typ in [
        ("absent", ABSENT), ("JWT", "JWT"), ("upper case", "LIC+JWT"), ("a media type", "application/lic+jwt"),
        ("null", None), ("an array", ["lic+jwt"]), ("empty", ""),
    ]:
        case(f"typ {name}", token(head=header(typ=typ)), "wrong_type", "exactly lic+jwt")

    for name, crit in [("exp", ["exp"]), ("b64", ["b64"]), ("empty", []), ("null", None)]:
        case(f"crit {name}", token(head=header(crit=crit)), "unsupported_critical", "refused if present at all")

    for name, kid in [
        ("absent", ABSENT), ("null", None), ("a number", 7), ("an array", [ONE.kid]), ("empty", ""),
        ("upper case", ONE.kid.upper()), ("cut", ONE.kid[:7]), ("with a space", ONE.kid + " "),
        ("constructor", "constructor"), ("__proto__", "__proto__"), ("a path", "../" + ONE.kid),
    ]:
        case(f"kid {name}", token(head=header(kid=kid)), "unknown_key", "not the name of a pinned key")
    case("kid of a key that is not pinned", token(head=header(kid=UNKNOWN.kid), key=UNKNOWN), "unknown_key",
         "correctly signed by a stranger")
    case("a stranger's key embedded", token(head=header(kid=UNKNOWN.kid, jwk=UNKNOWN.jwk()), key=UNKNOWN),
         "unknown_key", "a key inside the token is never used")


def signature_cases():
    head, body, signature = VALID.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    text = f"{head}.{body}".encode()

    def with_signature(data: bytes) -> str:
        return f"{head}.{body}.{encode(data)}"

    def plus_order(times: int) -> bytes:
        return raw[:32] + (int.from_bytes(raw[32:], "little") + times * ORDER).to_bytes(32, "little")

    flipped = bytes([raw[0] ^ 1]) + raw[1:]
    for name, data, why in [
        ("one bit of R flipped", flipped, "altered"),
        ("one bit of S flipped", raw[:32] + bytes([raw[32] ^ 1]) + raw[33:], "altered"),
        ("a truncated signature", raw[:63], "63 bytes"),
        ("an overlong signature", raw + b"\0", "65 bytes"),
        ("half a signature", raw[:32], "32 bytes"),
        ("an all-zero signature", bytes(64), "R of small order, S = 0"),
        ("an all-ones signature", b"\xff" * 64, "S not below L"),
        ("the identity as R, S = 0", b"\1" + bytes(63), "R of small order, S = 0"),
        ("high S: S + L", plus_order(1), "RFC 8032 section 5.1.7: S must be below L"),
        ("high S: S + 2L", plus_order(2), "RFC 8032 section 5.1.7: S must be below L"),
        ("R and S exchanged", raw[32:] + raw[:32], "altered"),
    ]:
        case(name, with_signature(data), "bad_signature", why)
    case("signed by a stranger under a pinned kid", token(key=UNKNOWN), "bad_signature", "the pinned key decides")
    case("signed by the other pinned key", token(key=TWO), "bad_signature", "kid decides; keys are never tried in turn")
    case("a stranger's key embedded beside a pinned kid", token(head=header(jwk=UNKNOWN.jwk()), key=UNKNOWN),
         "bad_signature", "a key inside the token is never used")
    case("only the payload signed", token(sign=lambda _: ONE.private.sign(body.encode())), "bad_signature",
         "the signature covers header.payload")
    case("the decoded payload signed", token(sign=lambda _: ONE.private.sign(compact(CLAIMS))), "bad_signature",
         "the signature covers the encoded text")
    case("a digest signed", token(sign=lambda _: ONE.private.sign(hashlib.sha512(text).digest())), "bad_signature",
         "Ed25519, not Ed25519ph")
    case("an altered payload", f"{head}.{encode(compact(claims(dom='example.net')))}.{signature}", "bad_signature",
         "another domain under the old signature", domain="example.net")
    longer = encode(compact(claims(exp=NOW + 900 * DAY)))
    case("a later exp", f"{head}.{longer}.{signature}", "bad_signature", "altered")
    case("an altered header", f"{encode(compact(header(alg='Ed25519')))}.{body}.{signature}", "bad_signature",
         "the header is signed too")
    case("another token's signature", f"{head}.{body}.{token(claims(ver=4)).split('.')[2]}", "bad_signature", "swapped")
    case("an unreadable payload, not signed", f"{head}.{encode(b'not JSON')}.{signature}", "bad_signature",
         "the payload is not read before the signature holds")


# tidy:allow function-length one row for each way a claim can be wrong
def claims_cases():
    good = compact(CLAIMS)
    for name, text, why in [
        ("an array", b"[" + good + b"]", "not an object"),
        ("an empty array", b"[]", "not an object"),
        ("a string", b'"signet"', "not an object"),
        ("null", b"null", "not an object"),
        ("an empty object", b"{}", "every claim is absent"),
        ("not JSON", b"iss=signet", "not JSON"),
        ("a byte order mark", b"\xef\xbb\xbf" + good, "RFC 8259 section 8.1"),
        ("invalid UTF-8", replaced(good, b"professional", b"profess\xffional"), "not UTF-8"),
        ("a lone surrogate escape", replaced(good, b"professional", b"\\udc00"), "not text"),
        ("reversed surrogates", replaced(good, b"professional", b"\\udc00\\ud800"), "not text"),
        ("a control character in a string", replaced(good, b"professional", b"pro\tfessional"), "not JSON"),
        ("trailing bytes", good + b"x", "bytes after the object"),
        ("a NUL after the object", good + b"\0", "bytes after the object"),
        ("two objects", good + good, "bytes after the object"),
        ("a form feed as white space", b"\x0c" + good, "JSON white space is four characters"),
        ("exp twice", good[:-1] + b',"exp":%d}' % (NOW + 900 * DAY), "duplicate member"),
        ("dom twice by escape", b'{"\\u0064om":"example.net",' + good[1:], "the names are equal when read"),
        ("an unknown member twice", good[:-1] + b',"zz":1,"zz":1}', "duplicate member"),
        ("a duplicate inside an unknown member", good[:-1] + b',"zz":[{"a":1,"a":2}]}', "duplicate member"),
        ("17 levels deep", compact(claims(more=nested(16))), "over 16 levels"),
        ("thousands of levels", good[:-1] + b',"zz":' + b"[" * 2000 + b"]" * 2000 + b"}", "over 16 levels"),
        ("NaN", replaced(good, b'"used":1', b'"used":NaN'), "not JSON"),
        ("NaN in an unknown claim", good[:-1] + b',"zz":NaN}', "not JSON"),
        ("Infinity in an unknown claim", good[:-1] + b',"zz":-Infinity}', "not JSON"),
        ("a leading zero", replaced(good, b'"used":1', b'"used":01'), "not JSON"),
        ("a plus sign", replaced(good, b'"used":1', b'"used":+1'), "not JSON"),
        ("hexadecimal", replaced(good, b'"used":1', b'"used":0x1'), "not JSON"),
        ("single quotes", good.replace(b'"', b"'"), "not JSON"),
        ("an unquoted name", replaced(good, b'"used"', b"used"), "not JSON"),
        ("a trailing comma", good[:-1] + b",}", "not JSON"),
        ("exp with a fraction", replaced(good, b'"exp":%d' % CLAIMS["exp"], b'"exp":%d.0' % CLAIMS["exp"]),
         "an integer is written in digits"),
        ("exp with an exponent", replaced(good, b'"exp":%d' % CLAIMS["exp"], b'"exp":2e9'),
         "an integer is written in digits"),
        ("lic_exp with a fraction", replaced(good, b'"lic_exp":%d' % CLAIMS["lic_exp"], b'"lic_exp":1.5'),
         "a fraction is no null"),
    ]:
        case(f"payload: {name}", token(text), "malformed_claims", why)

    for name in CLAIMS:
        case(f"{name} absent", token(claims(**{name: ABSENT})), "malformed_claims", "every claim but nonce is required")

    wrong = {
        str: [("null", None), ("a number", 1), ("a boolean", True), ("an array", ["x"])],
        int: [("null", None), ("a string", "1"), ("a boolean", True), ("negative", -1), ("a fraction", 1.5),
              ("2^53", 2**53), ("2^64", 2**64), ("an array", [1])],
        list: [("null", None), ("a string", "dom"), ("an object", {}), ("an object like an array", {"0": "dom"}),
               ("an array with a number", [1]), ("an array with null", [None])],
    }
    kinds = {name: type(value) for name, value in CLAIMS.items()} | {"inst": str}
    nullable = {"lic_exp", "dom", "ip", "inst", "act"}
    for name, kind in kinds.items():
        for what, value in wrong[kind]:
            if value is None and name in nullable:
                continue
            body = claims(**{name: value})
            if name == "dom":  # not the binding, so that only the type can refuse it
                body["bind"] = ["ip"]
            case(f"{name} {what}", token(body), "malformed_claims", "wrong type")
    case("nonce null", token(claims(nonce=None)), "malformed_claims", "absent or a string")
    case("nonce a number", token(claims(nonce=1)), "malformed_claims", "absent or a string")

    for name, bind, why in [
        ("empty", [], "a token is bound to something"),
        ("an unknown name", ["host"], "a verifier cannot match what it does not know"),
        ("an unknown name beside a known one", ["dom", "mac"], "a verifier cannot match what it does not know"),
        ("an empty name", [""], "unknown"),
        ("in capitals", ["DOM"], "unknown"),
        ("named like JavaScript's own", ["constructor"], "unknown"),
        ("a name twice", ["dom", "dom"], "each name once"),
    ]:
        case(f"bind {name}", token(claims(bind=bind)), "malformed_claims", why)
    for name in ["dom", "ip", "inst"]:
        case(f"bind {name}, {name} null", token(claims(**{name: None}, bind=[name])), "malformed_claims",
             "a binding to nothing would match every installation that knows nothing",
             domain=None, address=None, installation_id=None)
        case(f"bind {name}, {name} empty", token(claims(**{name: ""}, bind=[name])), "malformed_claims",
             "a binding to nothing", domain="", address="", installation_id="")


def installation_cases():
    case("another issuer", token(claims(iss="someone")), "wrong_issuer", "iss differs")
    case("issuer in capitals", token(claims(iss="Signet")), "wrong_issuer", "compared byte for byte")
    case("issuer empty", token(claims(iss="")), "wrong_issuer", "iss differs")
    case("the verifier expects another issuer", VALID, "wrong_issuer", "iss differs", issuer="signet2")
    case("another product", token(claims(aud="dns-panel")), "wrong_product", "aud differs")
    case("the verifier is another product", VALID, "wrong_product", "aud differs", product="dns-panel")
    case("product in capitals", VALID, "wrong_product", "compared byte for byte", product="WHM-PANEL")
    case("301 s before nbf", VALID, "not_yet_valid", "one second over the skew", now=CLAIMS["nbf"] - 301)
    case("nbf in the future", token(claims(nbf=NOW + 301, iat=NOW + 301)), "not_yet_valid", "one second over the skew")
    case("a year early", VALID, "not_yet_valid", "a clock set back", now=NOW - 365 * DAY)
    case("at exactly exp", VALID, "expired", "not a second longer", now=CLAIMS["exp"])
    case("one second after exp", VALID, "expired", "no skew at this end", now=CLAIMS["exp"] + 1)
    case("400 days late", VALID, "expired", "long over", now=NOW + 400 * DAY)
    case("exp zero", token(claims(exp=0)), "expired", "1970 is over")
    for name, domain in [
        ("another domain", "example.net"), ("a subdomain", "shop.example.com"), ("the parent", "com"),
        ("a longer name", "evil-example.com"), ("a name below another", "example.com.evil.net"),
        ("no domain", None), ("an empty domain", ""),
    ]:
        case(f"wrong domain: {name}", VALID, "wrong_domain", "dom is compared whole", domain=domain)
    case("wrong domain: www is stripped by the caller", VALID, "wrong_domain",
         "a verifier compares; making the canonical form comes before it", domain="www.example.com")
    case("wrong domain: the Unicode form", token(claims(dom="xn--bcher-kva.example.com")), "wrong_domain",
         "the canonical form is the A-label", domain="bücher.example.com")
    case("wrong address", token(claims(bind=["ip"])), "wrong_address", "ip differs", address="192.0.2.11")
    case("wrong address: a prefix", token(claims(bind=["ip"])), "wrong_address", "ip differs", address="192.0.2.1")
    case("wrong address: none", token(claims(bind=["ip"])), "wrong_address", "the verifier knows none", address=None)
    by_id = token(claims(inst="panel-7f3a", bind=["inst"]))
    case("wrong installation", by_id, "wrong_installation", "inst differs", installation_id="panel-7f3b")
    case("wrong installation: capitals", by_id, "wrong_installation", "byte for byte", installation_id="PANEL-7F3A")
    case("wrong installation: none", by_id, "wrong_installation", "the verifier knows none", installation_id=None)
    case("wrong installation: numbers alike", token(claims(inst="1e1", bind=["inst"])), "wrong_installation",
         "strings, even where a language finds 1e1 equal to 10", installation_id="10")
    case("wrong installation: another normalization",
         token(claims(inst=unicodedata.normalize("NFC", "café"), bind=["inst"])), "wrong_installation",
         "byte for byte, never by canonical equivalence", installation_id=unicodedata.normalize("NFD", "café"))
    all_three = token(claims(inst="panel-7f3a", bind=["dom", "ip", "inst"]))
    case("all bound, domain differs", all_three, "wrong_domain", "one is enough", domain="example.net")
    case("all bound, address differs", all_three, "wrong_address", "one is enough", address="192.0.2.11")
    case("all bound, installation differs", all_three, "wrong_installation", "one is enough", installation_id="x")


def order_cases():
    """Two faults in one token: the earlier check names it."""
    unknown = header(kid=UNKNOWN.kid)
    late = CLAIMS["exp"]
    for name, text, expect, more in [
        ("duplicate member before alg", token(head=b'{"alg":"none","alg":"none"}'), "malformed", {}),
        ("alg before typ", token(head={"alg": "none"}), "unsupported_algorithm", {}),
        ("typ before crit", token(head=header(typ="JWT", crit=["exp"])), "wrong_type", {}),
        ("crit before kid", token(head=changed(unknown, crit=["exp"])), "unsupported_critical", {}),
        ("kid before signature", token(head=unknown, sign=lambda _: bytes(64)), "unknown_key", {}),
        ("signature before claims", token(b"{}", sign=lambda _: bytes(64)), "bad_signature", {}),
        ("claims before issuer", token(claims(iss="someone", max="1")), "malformed_claims", {}),
        ("issuer before product", token(claims(iss="someone", aud="other")), "wrong_issuer", {}),
        ("product before time", token(claims(aud="other")), "wrong_product", {"now": late}),
        ("not yet valid before expired", token(claims(nbf=NOW + DAY, exp=NOW - DAY)), "not_yet_valid", {}),
        ("time before domain", VALID, "expired", {"now": late, "domain": "example.net"}),
        ("domain before address", token(claims(bind=["ip", "dom"])), "wrong_domain",
         {"domain": "example.net", "address": "192.0.2.11"}),
        ("address before installation", token(claims(inst="panel-7f3a", bind=["inst", "ip"])), "wrong_address",
         {"address": "192.0.2.11", "installation_id": "x"}),
    ]:
        case(f"order: {name}", text, expect, "the earlier check names the refusal", **more)


# MARK: Key sets, raw signatures, inputs

def key_sets() -> list:
    one, two = ONE.jwk(), TWO.jwk()
    sloppy = second_spelling(ONE.x)
    rsa = {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa"}
    rows = [
        ("two keys", {"keys": [one, two]}, [ONE.kid, TWO.kid], "as published"),
        ("an empty set", {"keys": []}, [], "no key: every token is unknown_key"),
        ("an unknown member", {"keys": [one], "next": 1}, [ONE.kid], "additive format"),
        ("an RSA key beside", {"keys": [rsa, one]}, [ONE.kid], "a key that cannot be used is ignored"),
        ("an X25519 key beside", {"keys": [ONE.jwk(crv="X25519", kid="x"), two]}, [TWO.kid], "ignored"),
        ("an ignored key with the same kid", {"keys": [changed(rsa, kid=ONE.kid), one]}, [ONE.kid], "ignored"),
        ("only kty, crv, x and kid", {"keys": [ONE.jwk(use=ABSENT, alg=ABSENT)]}, [ONE.kid], "the others are not read"),
        ("alg Ed25519", {"keys": [ONE.jwk(alg="Ed25519")]}, [ONE.kid], "use and alg are not read"),
        ("any kid", {"keys": [ONE.jwk(kid="2027-01a")]}, ["2027-01a"], "a kid is a name; it is not computed again"),
        ("kid absent", {"keys": [ONE.jwk(kid=ABSENT)]}, None, "an Ed25519 key needs a name"),
        ("kid empty", {"keys": [ONE.jwk(kid="")]}, None, "an Ed25519 key needs a name"),
        ("kid a number", {"keys": [ONE.jwk(kid=7)]}, None, "an Ed25519 key needs a name"),
        ("a kid twice", {"keys": [one, TWO.jwk(kid=ONE.kid)]}, None, "which one would be meant?"),
        ("the same key twice", {"keys": [one, one]}, None, "a kid twice"),
        ("x absent", {"keys": [ONE.jwk(x=ABSENT)]}, None, "not 32 bytes"),
        ("x 31 bytes", {"keys": [ONE.jwk(x=encode(ONE.public[:31]))]}, None, "not 32 bytes"),
        ("x 33 bytes", {"keys": [ONE.jwk(x=encode(ONE.public + b"\0"))]}, None, "not 32 bytes"),
        ("x padded", {"keys": [ONE.jwk(x=ONE.x + "=")]}, None, "not canonical"),
        ("x with non-zero trailing bits", {"keys": [ONE.jwk(x=sloppy)]}, None, "not canonical"),
        ("x in plain Base64", {"keys": [ONE.jwk(x=base64.b64encode(ONE.public).decode())]}, None, "not canonical"),
        ("an array", [one], None, "not an object"),
        ("keys absent", {}, None, "no array of keys"),
        ("keys an object", {"keys": {"0": one}}, None, "no array of keys"),
        ("a key that is a string", {"keys": [ONE.x]}, None, "not an object"),
    ]
    cases = [
        {"name": name, "jwks": compact(value).decode(), "expect": kids, "why": why} for name, value, kids, why in rows
    ]
    cases.append({"name": "a member twice", "jwks": '{"keys":[],"keys":[]}', "expect": None, "why": "strict JSON"})
    cases.append({"name": "not JSON", "jwks": "keys", "expect": None, "why": "strict JSON"})
    return cases


def raw_signatures() -> list:
    rows = []
    for name, (seed, public, message, signature) in RFC8032.items():
        key = Key(seed)
        assert key.public.hex() == public and key.private.sign(bytes.fromhex(message)).hex() == signature, name
        rows.append((f"RFC 8032 {name}", public, message, signature, True, "section 7.1"))
    public, message = ONE.public, b"Signet"
    good = ONE.private.sign(message)
    r, s = good[:32], int.from_bytes(good[32:], "little")

    def row(name, why, signature=good, message=message, public=public, valid=False):
        rows.append((name, public.hex(), message.hex(), signature.hex(), valid, why))

    row("a plain signature", "deterministic, so always these bytes", valid=True)
    row("another message", "altered", message=b"signet")
    row("a longer message", "altered", message=b"Signet\0")
    row("an empty message", "altered", message=b"")
    row("another key", "TEST 2's key", public=TWO.public)
    for bit in (0, 7, 255, 256, 263, 511):
        altered = bytearray(good)
        altered[bit // 8] ^= 1 << bit % 8
        row(f"bit {bit} flipped", "R is bits 0 to 255, S is bits 256 to 511", bytes(altered))
    for times in (1, 2, 8, 15):
        if s + times * ORDER < 2**256:
            row(f"S + {times}L", "S must be below L", r + (s + times * ORDER).to_bytes(32, "little"))
    row("S = L", "S must be below L", r + ORDER.to_bytes(32, "little"))
    row("S = 0", "not this signature", r + bytes(32))
    row("S negated", "L - S", r + (ORDER - s).to_bytes(32, "little"))
    row("all zero", "R of small order, S = 0", bytes(64))
    row("all ones", "S must be below L", b"\xff" * 64)
    row("R = identity, S = 0", "R of small order", b"\1" + bytes(63))
    row("R and S exchanged", "altered", good[32:] + good[:32])
    row("empty", "not 64 bytes", b"")
    row("63 bytes", "not 64 bytes", good[:63])
    row("65 bytes", "not 64 bytes", good + b"\0")
    names = ("name", "public_key", "message", "signature", "valid", "why")
    return [dict(zip(names, entry)) for entry in rows]


CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def weighted_sum(symbols: str) -> int:
    """Sum of value times alpha^position in GF(32) modulo x^5 + x^2 + 1."""
    total = 0
    for symbol in reversed(symbols):
        total = total << 1
        total = (total ^ (0b100101 if total & 32 else 0)) ^ CROCKFORD.index(symbol)
    return total


def license_key(body: str) -> str:
    whole = next(body + check for check in CROCKFORD if weighted_sum(body + check) == 0)
    return "-".join(whole[place:place + 4] for place in range(0, 16, 4))


def inputs() -> dict:
    key = license_key("7C4QPTV10YKB3MX")
    plain = key.replace("-", "")
    other = {symbol: CROCKFORD[(CROCKFORD.index(symbol) + 1) % 32] for symbol in CROCKFORD}
    well_formed = [
        key, plain, key.lower(), f"  {key}\n", plain[:5] + " " + plain[5:], key.replace("-", "\u00a0"),
        key.replace("-", "\u2010"), key.replace("-", "\u2011"), key.replace("-", "\u2013"), key.replace("-", "\u2014"),
        key.replace("-", "\u2212"), key.replace("0", "O"), key.replace("0", "o"), key.replace("1", "I"),
        key.replace("1", "l"), "0000-0000-0000-0000",
    ]
    malformed = ["", "-", plain[:15], plain + "0", key.replace("7", "U", 1), key.replace("7", "*", 1), "é" + plain[1:]]
    # Letters that become ASCII in another case: dotless i, Kelvin sign.
    malformed += [plain.replace("1", "\u0131", 1), plain.replace("K", "\u212a", 1)]
    malformed += [plain[:place] + other[plain[place]] + plain[place + 1:] for place in range(16)]
    malformed += [plain[:place] + plain[place + 1] + plain[place] + plain[place + 2:] for place in range(15)
                  if plain[place] != plain[place + 1]]
    malformed.append(plain[15] + plain[1:15] + plain[0])
    longest = ".".join(["a" * 49] * 5) + ".com"
    assert len(longest) == 253
    return {
        "license_keys": {"canonical": plain, "well_formed": well_formed, "malformed": malformed},
        "domains": [{"input": text, "expect": canonical} for text, canonical in [
            ("example.com", "example.com"), ("Example.COM", "example.com"), (" example.com \n", "example.com"),
            ("example.com.", "example.com"), ("www.example.com", "example.com"), ("WWW.Example.com.", "example.com"),
            ("https://www.example.com:8443/x?y#z", "example.com"), ("http://user:secret@example.com/", "example.com"),
            ("example.com:8443", "example.com"), ("example.com/panel", "example.com"), ("example.com?x", "example.com"),
            ("www.com", "www.com"), ("www.www.example.com", "www.www.example.com"),
            ("www2.example.com", "www2.example.com"),
            ("shop.example.com", "shop.example.com"), ("localhost", "localhost"), ("localhost:3000", "localhost"),
            ("xn--bcher-kva.example.com", "xn--bcher-kva.example.com"),
            ("192.0.2.10", "192.0.2.10"), ("http://192.0.2.10:8080/", "192.0.2.10"), ("[2001:DB8::1]", "2001:db8::1"),
            ("https://[2001:db8::1]:8443/", "2001:db8::1"), ("2001:DB8:0:0::1", "2001:db8::1"),
            ("[::ffff:192.0.2.10]", "192.0.2.10"),
            ("", None), (".", None), ("example..com", None), (".example.com", None), ("example.com..", None),
            ("-a.example.com", None), ("a-.example.com", None), ("a_b.example.com", None), ("exa mple.com", None),
            ("example.com\0", None), ("*.example.com", None), ("a" * 64 + ".example.com", None),
            ("a" * 63 + ".example.com", "a" * 63 + ".example.com"), (longest, longest), (longest + "s", None),
            ("999.1.1.1", None), ("192.0.2.010", None), ("1.2.3", None), ("[2001:db8::1", None),
        ]],
        "addresses": [{"input": text, "expect": canonical} for text, canonical in [
            ("192.0.2.10", "192.0.2.10"), (" 192.0.2.10 ", "192.0.2.10"), ("2001:DB8:0:0::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"), ("::ffff:203.0.113.7", "203.0.113.7"), ("::1", "::1"), ("::", "::"),
            ("2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("", None), ("192.0.2", None), ("192.0.2.256", None), ("192.000.2.1", None), ("192.0.2.10:80", None),
            ("fe80::1%eth0", None), ("2001:db8::1::2", None), ("example.com", None), ("[192.0.2.10", None),
        ]],
    }


def files() -> dict:
    valid_cases()
    envelope_cases()
    header_cases()
    signature_cases()
    claims_cases()
    installation_cases()
    order_cases()
    names = [entry["name"] for entry in CASES]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    return {
        "keys.json": {"keys": [ONE.jwk(), TWO.jwk()]},
        "tokens.json": {"now": NOW, "cases": CASES},
        "key-sets.json": {"cases": key_sets()},
        "ed25519.json": {"cases": raw_signatures()},
        "inputs.json": inputs(),
        **offline_vectors.files(sys.modules[__name__]),
    }


def main() -> int:
    stale = []
    for name, value in files().items():
        text = json.dumps(value, indent=1, ensure_ascii=True) + "\n"
        path = HERE / name
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_bytes() != text.encode():
                stale.append(name)
        else:
            path.write_bytes(text.encode())
    for name in stale:
        print(f"{name} differs: run make-vectors.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
