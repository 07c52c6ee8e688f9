"""Runs the published vectors (python3 verify-vectors.py DIRECTORY); exit 1 if one fails."""

import json
import pathlib
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import signet_license as signet

directory = pathlib.Path(sys.argv[1])
counts = {True: 0, False: 0}


def read(name):
    return json.loads((directory / name).read_text())


def expect(name, expected, actual):
    counts[expected == actual] += 1
    if expected != actual:
        print(f"FAILED {name}: expected {expected!r}, got {actual!r}")


def key_ids(jwks):
    try:
        return list(signet.read_key_set(jwks))
    except ValueError:
        return None


def is_signed(case):
    key, message, signature = (bytes.fromhex(case[name]) for name in ("public_key", "message", "signature"))
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


jwks, tokens, inputs = (directory / "keys.json").read_text(), read("tokens.json"), read("inputs.json")
for case in tokens["cases"]:
    now = case.get("now", tokens["now"])
    result = signet.verify(case["token"], jwks, case["installation"], case["product"], case["issuer"], now)
    expect(f"token: {case['name']}", case["expect"], result if isinstance(result, str) else "valid")
for case in read("key-sets.json")["cases"]:
    expect(f"key set: {case['name']}", case["expect"], key_ids(case["jwks"]))
for case in read("ed25519.json")["cases"]:
    expect(f"signature: {case['name']}", case["valid"], is_signed(case))
for expected, name in [(True, "well_formed"), (False, "malformed")]:
    for key in inputs["license_keys"][name]:
        expect(f"license key: {key}", expected, signet.is_well_formed(key))
for case in inputs["domains"]:
    expect(f"domain: {case['input']}", case["expect"], signet.canonical_domain(case["input"]))
for case in inputs["addresses"]:
    expect(f"address: {case['input']}", case["expect"], signet.canonical_address(case["input"]))
print(f"{counts[True]} passed, {counts[False]} failed")
sys.exit(counts[False] > 0)
