"""Runs the published vectors (python3 verify-vectors.py DIRECTORY); exit 1 if one fails."""

import json
import pathlib
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import signet_license as signet
import signet_token

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
        return list(signet_token.read_key_set(jwks))
    except ValueError:
        return None


def is_signed(case):
    key, message, signature = (bytes.fromhex(case[name]) for name in ("public_key", "message", "signature"))
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def code(result, good="valid"):
    return result if isinstance(result, str) else good


keys = signet_token.read_key_set((directory / "keys.json").read_text())
tokens, inputs, sets, lists = (
    read(f"{name}.json") for name in ("tokens", "inputs", "signed-key-sets", "status-lists")
)
for case in tokens["cases"]:
    now = case.get("now", tokens["now"])
    result = signet_token.verify(case["token"], keys, case["installation"], case["product"], case["issuer"], now)
    expect(f"token: {case['name']}", case["expect"], code(result))

root, under = signet_token.read_root(json.dumps(sets["root"])), sets["tokens"]
for case in sets["cases"]:
    held = signet_token.restore_key_set(case["held"], root) if case["held"] else None
    result = signet_token.accept_key_set(case["document"], root, held, case["issuer"], case.get("now", sets["now"]))
    expect(f"signed key set: {case['name']}", case["expect"], code(result, "accepted"))
    if case["expect"] == "accepted" and isinstance(result, dict):
        expected = [case["sequence"], case["keys"], case["revoked"]]
        good = [kid for kid, key in result["keys"].items() if key]
        gone = [kid for kid, key in result["keys"].items() if not key]
        expect(f"what it says: {case['name']}", expected, [result["seq"], good, gone])
signed = signet_token.restore_key_set(under["document"], root)
for case in under["cases"]:
    result = signet_token.verify(
        case["token"], signed["keys"], under["installation"], under["product"], under["issuer"], sets["now"]
    )
    expect(f"token under a signed key set: {case['name']}", case["expect"], code(result))

for case in lists["cases"]:
    result = signet_token.read_revocations(case["list"], keys, case["issuer"], case.get("now", lists["now"]))
    expect(f"list: {case['name']}", case["expect"], code(result))
    if case["expect"] == "valid" and isinstance(result, dict):
        fields, bits = case["fields"], result["bits"]
        revoked, not_revoked = (
            [index for index in fields[name] if index // 8 < len(bits) and bits[index // 8] >> index % 8 & 1]
            for name in ("revoked", "not_revoked")
        )
        said = [result["seq"], revoked, not_revoked, sorted(result["act"]), sorted(result["lic"])]
        expected = [fields["seq"], fields["revoked"], [], fields["ended"], fields["revoked_offline"]]
        expect(f"what it says: {case['name']}", expected, said)
common = tokens["cases"][0]
for case in lists["tokens"]:
    held = signet_token.read_revocations(case["list"], keys, None)
    result = signet_token.verify(
        case["token"], keys, common["installation"], common["product"], common["issuer"], case["now"], held
    )
    expect(f"token beside a list: {case['name']}", case["expect"], code(result))

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
