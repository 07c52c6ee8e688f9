#!/usr/bin/env python3
"""Writes signed-key-sets.json beside this file, or with --check fails if it differs from what it would write.

Needs what make-vectors.py needs, whose keys and tokens it uses. The root is the key of RFC 8032 section 7.1 TEST
SHA(abc): published like the others, never to be pinned by a product.
"""

import importlib.util
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
SPEC = importlib.util.spec_from_file_location("make_vectors", HERE / "make-vectors.py")
base = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(base)

NOW, DAY, ABSENT, encode, changed = base.NOW, base.DAY, base.ABSENT, base.encode, base.changed
ONE, TWO, THREE = base.ONE, base.TWO, base.UNKNOWN
ROOT = base.Key("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")

HEADER = {"alg": "EdDSA", "typ": "keyset+jwt", "kid": ROOT.kid}
CLAIMS = {
    "iss": "signet",
    "seq": 7,
    "iat": NOW - 3600,
    "exp": NOW - 3600 + 180 * DAY,
    "keys": [TWO.jwk(), THREE.jwk()],
    "revoked": [{"kid": ONE.kid, "at": NOW - 7200}],
}


def claims(**changes):
    return changed(CLAIMS, **changes)


def document(body=CLAIMS, head=HEADER, key=ROOT, **kwargs):
    return base.token(body, head, key, **kwargs)


HELD = document(claims(seq=6, iat=NOW - 30 * DAY, exp=NOW + 150 * DAY, keys=[ONE.jwk(), TWO.jwk()], revoked=[]))
SETS, TOKENS = [], []


def case(name, text, expect, why, held=None, now=None, issuer="signet", **result):
    entry = {"name": name, "document": text, "held": held, "issuer": issuer, "now": now, "expect": expect, "why": why}
    if now is None:
        del entry["now"]
    SETS.append({**entry, **result})


def accepted(name, text, why, sequence=7, keys=(TWO, THREE), revoked=(ONE,), **situation):
    result = {
        "sequence": sequence,
        "keys": [key.kid for key in keys],
        "revoked": [key.kid for key in revoked],
    }
    case(name, text, "accepted", why, **situation, **result)


def accepted_cases():
    accepted("the first set", document(), "nothing is held yet")
    accepted("a newer set", document(), "7 replaces 6", held=HELD)
    accepted("a gap", document(claims(seq=900)), "sets may be missed", sequence=900, held=HELD)
    accepted("the same set again", document(), "a refresh without news", held=document())
    accepted("alg Ed25519", document(head=changed(HEADER, alg="Ed25519")), "RFC 9864's name of the same algorithm")
    accepted("unknown members", document(claims(new=[1]), changed(HEADER, jku="https://example.com")), "ignored")
    accepted("no issuer told", document(claims(iss="other")), "the root alone decides", issuer=None)
    accepted("the last second", document(), "exp is the first second at which it is refused", now=CLAIMS["exp"] - 1)
    accepted("a slow clock", document(), "300 s are granted", now=CLAIMS["iat"] - 300)
    accepted("nothing revoked", document(claims(revoked=[])), "the usual case", revoked=())
    skipped = [{"kty": "RSA", "n": "AQ", "e": "AQAB", "kid": "r"}, TWO.jwk()]
    accepted("a key of another type", document(claims(keys=skipped)), "skipped as in a key set", keys=(TWO,))


def envelope_cases():
    good = document()
    head, body, signature = good.split(".")
    case("empty", "", "malformed", "no parts")
    case("two parts", f"{head}.{body}", "malformed", "the signature is missing")
    case("four parts", good + ".AA", "malformed", "one part too many")
    case("padding", good + "=", "malformed", "not the one spelling")
    case("white space", good + "\n", "malformed", "not the one spelling")
    case("second spelling", f"{head}.{body}.{base.second_spelling(signature)}", "malformed", "trailing bits")
    case("too long", document(claims(pad="a" * 65_536)), "malformed", "over 65,536 bytes")
    case("header twice", document(head=b'{"alg":"EdDSA","alg":"EdDSA","typ":"keyset+jwt"}'), "malformed", "strict JSON")
    case("alg none", document(head=changed(HEADER, alg="none")), "unsupported_algorithm", "never")
    case("alg HS256", document(head=changed(HEADER, alg="HS256")), "unsupported_algorithm", "never")
    case("a license token's type", document(head=changed(HEADER, typ="lic+jwt")), "wrong_type", "signed as another thing")
    case("no type", document(head=changed(HEADER, typ=ABSENT)), "wrong_type", "must say what it is")
    case("crit", document(head=changed(HEADER, crit=[])), "unsupported_critical", "whatever its value")
    case("a license token", base.token(), "wrong_type", "no token is a key set")


def signature_cases():
    by_one = {**HEADER, "kid": ONE.kid}
    case("signed by a signing key", document(head=by_one, key=ONE), "unknown_key",
         "a signing key never introduces a key", held=HELD)
    case("signed by a signing key in the root's name", document(key=ONE), "bad_signature", "it is not the root")
    case("no kid", document(head=changed(HEADER, kid=ABSENT)), "unknown_key", "names no key")
    case("a key of its own", document(head=changed(HEADER, kid=THREE.kid, jwk=THREE.jwk()), key=THREE), "unknown_key",
         "a key inside a document is never used")
    head, _, signature = document().split(".")
    other = document(claims(seq=8)).split(".")[1]
    case("another payload", f"{head}.{other}.{signature}", "bad_signature", "the signature covers it")
    case("a short signature", document(sign=lambda text: ROOT.private.sign(text)[:63]), "bad_signature", "63 bytes")


def claims_cases():
    wrong = {
        "payload no object": document(b"[]"),
        "payload twice": document(b'{"iss":"signet","iss":"signet"}'),
        "no iss": document(claims(iss=ABSENT)),
        "iss a number": document(claims(iss=1)),
        "no seq": document(claims(seq=ABSENT)),
        "seq 0": document(claims(seq=0)),
        "seq a string": document(claims(seq="7")),
        "seq a fraction": document(claims(seq=7.5)),
        "seq too large": document(claims(seq=2**53)),
        "no iat": document(claims(iat=ABSENT)),
        "exp null": document(claims(exp=None)),
        "no keys": document(claims(keys=ABSENT)),
        "keys an object": document(claims(keys={})),
        "keys empty": document(claims(keys=[])),
        "only keys of other types": document(claims(keys=[{"kty": "RSA", "kid": "r"}])),
        "a key too short": document(claims(keys=[TWO.jwk(x=encode(TWO.public[:31]))])),
        "a key without kid": document(claims(keys=[TWO.jwk(kid=ABSENT)])),
        "a kid twice": document(claims(keys=[TWO.jwk(), THREE.jwk(kid=TWO.kid)])),
        "no revoked": document(claims(revoked=ABSENT)),
        "revoked null": document(claims(revoked=None)),
        "revoked a list of names": document(claims(revoked=[ONE.kid])),
        "revoked without kid": document(claims(revoked=[{"at": NOW}])),
        "revoked with an empty kid": document(claims(revoked=[{"kid": "", "at": NOW}])),
        "revoked without time": document(claims(revoked=[{"kid": ONE.kid}])),
        "revoked twice": document(claims(revoked=[{"kid": ONE.kid, "at": 1}] * 2)),
        "revoked and good": document(claims(keys=[ONE.jwk(), TWO.jwk()])),
        "257 revoked": document(claims(revoked=[{"kid": str(number), "at": 1} for number in range(257)])),
    }
    for name, text in wrong.items():
        case(name, text, "malformed_claims", "each claim is there with its type")


def situation_cases():
    case("another issuer", document(claims(iss="other")), "wrong_issuer", "the reader was told signet")
    case("too early", document(), "not_yet_valid", "more than 300 s ahead", now=CLAIMS["iat"] - 301)
    case("expired", document(), "expired", "exp is the first second at which it is refused", now=CLAIMS["exp"])
    case("an older set", HELD, "outdated", "6 does not replace 7", held=document())
    case("another set of the same number", document(claims(revoked=[])), "outdated", "7 is taken", held=document())
    case("expired and older", HELD, "expired", "the first check that fails", held=document(), now=NOW + 150 * DAY)


def token_cases():
    for name, text, expect, why in (
        ("a listed key", base.token(head=base.header(kid=TWO.kid), key=TWO), "valid", "the set names it"),
        ("a key the program was not built with", base.token(head=base.header(kid=THREE.kid), key=THREE), "valid",
         "what a refresh is for"),
        ("a revoked key", base.token(), "revoked_key", "pinned or not: whoever has that key could have made it"),
        ("a revoked key and a wrong signature", base.token(key=TWO), "revoked_key", "looked at before the signature"),
        ("the root", base.token(head=base.header(kid=ROOT.kid), key=ROOT), "unknown_key", "the root signs no token"),
    ):
        TOKENS.append({"name": name, "token": text, "expect": expect, "why": why})


def main():
    accepted_cases()
    envelope_cases()
    signature_cases()
    claims_cases()
    situation_cases()
    token_cases()
    names = [entry["name"] for entry in SETS]
    assert len(set(names)) == len(names)
    whole = {
        "now": NOW, "root": ROOT.jwk(), "cases": SETS,
        "tokens": {"document": document(), "installation": base.INSTALLATION, "product": "whm-panel",
                   "issuer": "signet", "cases": TOKENS},
    }
    text = json.dumps(whole, indent=1, ensure_ascii=True) + "\n"
    path = HERE / "signed-key-sets.json"
    if "--check" in sys.argv[1:]:
        if not path.exists() or path.read_text() != text:
            print("signed-key-sets.json differs: run make-key-set-vectors.py", file=sys.stderr)
            return 1
    else:
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
