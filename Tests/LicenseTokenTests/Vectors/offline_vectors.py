"""The vectors of what works without a network: offline keys, license files, requests, lists of revoked licenses.

`make-vectors.py` calls `files` with itself. Nothing here depends on the version of a compressor: ZLIB streams are
written as stored blocks, as one fixed-Huffman block, or copied from the Token Status List draft.
"""

import base64
import hashlib
import struct
import zlib

EPOCH = 1_577_836_800  # 2020-01-01T00:00:00Z
NEVER = 0xFFFFFFFF
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NAMES = {"product": "whm-panel", "number": 7, "types": {"professional": 1, "reseller": 2},
         "features": {"whm": 0, "billing": 1, "support": 63}}
DOMAIN, INSTALLATION = "example.com", "panel-7f3a"
LIST_BYTES_MAX = 2 << 20


def base32(data: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return "".join(CROCKFORD[int(bits[place:place + 5], 2)] for place in range(0, len(bits), 5))


def key_text(data: bytes) -> str:
    symbols = base32(data)
    return "-".join(["LK1"] + [symbols[place:place + 6] for place in range(0, len(symbols), 6)])


def binding_hash(kind: str, value: str) -> bytes:
    return hashlib.sha256(f"signet-lk1-{kind}\0{value}".encode()).digest()[:8]


class OfflineKeys:
    def __init__(self, base):
        self.base = base
        self.cases = []

    def payload(self, version=1, kid=None, product=7, type_code=1, seats=3, issued=None, expires=None, features=3,
                license_number=0x0B7C_FE3A_68D8_6C2D, kind=1, binding=None) -> bytes:
        kid = base64.urlsafe_b64decode(kid or self.base.ONE.kid)
        issued = self.base.NOW - 3600 - EPOCH if issued is None else issued
        expires = self.base.NOW + 200 * self.base.DAY - EPOCH if expires is None else expires
        if binding is None:
            binding = [bytes(8), binding_hash("domain", DOMAIN), binding_hash("installation", INSTALLATION)][kind]
        packed = struct.pack(">B6sIBIIIQQB8s", version, kid, product, type_code, seats, issued, expires, features,
                             license_number, kind, binding)
        assert len(packed) == 49
        return packed

    def sign(self, payload: bytes, key=None, prefix=b"signet-lk1\0") -> bytes:
        return payload + (key or self.base.ONE).private.sign(prefix + payload)

    def key(self, **fields) -> str:
        return key_text(self.sign(self.payload(**fields)))

    def case(self, name, key, expect, why, fields=None, now=None, product_number=7, domain=DOMAIN,
             installation_id=INSTALLATION, revoked=None):
        entry = {"name": name, "key": key, "product_number": product_number,
                 "installation": {"domain": domain, "address": None, "installation_id": installation_id}}
        if now is not None:
            entry["now"] = now
        if revoked is not None:
            entry["list"] = revoked
        entry["expect"] = expect
        if expect == "valid":
            entry["fields"] = {**self.fields(key), **(fields or {})}
        self.cases.append({**entry, "why": why})

    @staticmethod
    def fields(text: str) -> dict:
        """What a key says, read back from its symbols."""
        typed = [character for character in text.upper() if character.isascii() and character.isalnum()]
        symbols = "".join({"O": "0", "I": "1", "L": "1"}.get(character, character) for character in typed[3:])
        bits = "".join(f"{CROCKFORD.index(symbol):05b}" for symbol in symbols)
        data = bytes(int(bits[place:place + 8], 2) for place in range(0, 113 * 8, 8))
        (_, _, product, type_code, seats, issued, expires, features, number, kind, _) = struct.unpack(
            ">B6sIBIIIQQB8s", data[:49])
        return {
            "license": "lic_" + crockford_number(number),
            "product_number": product, "type_code": type_code, "seats": seats, "issued_at": EPOCH + issued,
            "expires_at": None if expires == NEVER else EPOCH + expires, "feature_bits": f"{features:016x}",
            "bound": ["", "domain", "installation_id"][kind],
            "type": next((name for name, code in NAMES["types"].items() if code == type_code), None),
            "features": [name for name, bit in NAMES["features"].items() if features >> bit & 1],
        }

    # tidy:allow function-length one table of cases; splitting would hide what is missing
    def files(self, revoked_list) -> dict:
        base, key, case = self.base, self.key, self.case
        now = base.NOW
        good = key()
        case("bound to a domain", good, "valid", "the plain case")
        case("bound to an installation id", key(kind=2), "valid", "kind 2", domain=None)
        case("unbound", key(kind=0), "valid", "kind 0, eight zero bytes", domain=None, installation_id=None)
        case("never expires", key(expires=NEVER), "valid", "0xFFFFFFFF", now=EPOCH + 2**33)
        case("the last instant that can be written", key(expires=NEVER - 1), "valid", "2156-02-07T06:28:14Z")
        case("unlimited seats", key(seats=0), "valid", "0")
        case("most seats, all features", key(seats=2**32 - 1, features=2**64 - 1), "valid", "unsigned everywhere")
        case("a type and features without a name", key(type_code=255, features=0b11100), "valid",
             "numbers newer than the verifier's names are numbers without a name, not errors")
        case("an address literal as domain", key(binding=binding_hash("domain", "192.0.2.10")), "valid",
             "hashed as the domain it stands for", domain="192.0.2.10")
        case("the second pinned key", key_text(self.sign(self.payload(kid=base.TWO.kid), base.TWO)), "valid",
             "found by its key id")
        for name, text in [
            ("lower case", good.lower()), ("without dashes", good.replace("-", "")),
            ("with spaces and a line end", "  " + good.replace("-", " ", 9) + "\n"),
            ("wrapped over lines", good[:70] + "\r\n" + good[70:140] + "\r\n" + good[140:]),
            ("with typographic dashes", good.replace("-", "\u2013", 5).replace("-", "\u2011", 5)),
            ("O for 0 and I, L for 1", good.replace("0", "O").replace("1", "I", 3).replace("1", "l")),
        ]:
            case(name, text, "valid", "the same key, as people paste and type it")
        case("300 s before it was issued", good, "valid", "the skew of a slow clock", now=now - 3600 - 300)
        case("301 s before it was issued", good, "not_yet_valid", "beyond the skew", now=now - 3600 - 301)
        case("the last second", good, "valid", "now < expires", now=now + 200 * base.DAY - 1)
        case("the second of its end", good, "expired", "now >= expires", now=now + 200 * base.DAY)
        case("another domain", good, "wrong_domain", "bound", domain="example.net")
        case("no domain known", good, "wrong_domain", "an unknown value never matches", domain=None)
        case("domain in another case", good, "wrong_domain", "canonical forms are compared", domain="Example.com")
        case("another installation id", key(kind=2), "wrong_installation", "bound", installation_id="panel-7f3b")
        case("no installation id known", key(kind=2), "wrong_installation", "bound", installation_id=None)
        case("the domain's hash as installation id", key(kind=2, binding=binding_hash("domain", INSTALLATION)),
             "wrong_installation", "the two hashes are apart")
        case("another product", good, "wrong_product", "the number decides", product_number=8)
        case("another version", key(version=2), "unsupported_version", "looked at before anything else")
        case("version 0", key(version=0), "unsupported_version", "looked at before anything else")
        case("an unknown key", key_text(self.sign(self.payload(kid=base.UNKNOWN.kid), base.UNKNOWN)), "unknown_key",
             "signed by a key that is not pinned")
        case("a pinned key's id over a stranger's signature", key_text(self.sign(self.payload(), base.UNKNOWN)),
             "bad_signature", "the key id is only a name")
        case("the wrong one of two pinned keys", key_text(self.sign(self.payload(), base.TWO)), "bad_signature",
             "keys are not tried in turn")
        case("signed without the domain of the signature", key_text(self.sign(self.payload(), prefix=b"")),
             "bad_signature", "\"signet-lk1\\0\" goes before the payload")
        case("signed with another prefix", key_text(self.sign(self.payload(), prefix=b"signet-lk2\0")),
             "bad_signature", "\"signet-lk1\\0\" goes before the payload")
        case("kind 3", key_text(self.sign(self.payload(kind=0)[:40] + b"\3" + bytes(8))),
             "malformed_claims", "a verifier that skipped an unknown binding would honor the key everywhere")
        case("unbound with a hash", key(kind=0, binding=binding_hash("domain", DOMAIN)), "malformed_claims",
             "zeros when unbound")
        case("issued never", key(issued=NEVER), "malformed_claims", "an instant")
        symbols = good[3:].replace("-", "")
        altered = bytearray(self.sign(self.payload()))
        for place in (7, 15, 23, 31, 39, 48, 49, 112):
            changed = bytearray(altered)
            changed[place] ^= 1
            case(f"byte {place} altered", key_text(bytes(changed)), "bad_signature", "every byte is signed")
        case("a wrong symbol", good[:20] + ("3" if good[20] != "3" else "4") + good[21:], "bad_signature", "mistyped")
        for name, text, why in [
            ("empty", "", "no text"), ("LK1 alone", "LK1", "no symbols"),
            ("one symbol short", good[:-1], "181 symbols"), ("one symbol more", good + "0", "181 symbols"),
            ("half a key", good[:len(good) // 2], "181 symbols"), ("twice", good + good, "181 symbols"),
            ("without LK1", symbols, "the prefix"), ("LK2", "LK2" + good[3:], "the prefix"),
            ("a symbol that is none", good[:9] + "U" + good[10:], "U is no Crockford symbol"),
            ("a letter outside ASCII", good[:9] + "\u0131" + good[10:], "letters that become ASCII in another case"),
            ("the unused bit set", "LK1" + symbols[:-1] + CROCKFORD[CROCKFORD.index(symbols[-1]) | 1],
             "one spelling of the bytes"),
            ("too long a text", good + " " * 2048, "2048 bytes of text"),
        ]:
            case(name, text, "malformed", why)
        case("revoked", good, "revoked", "the list names the license in lic", revoked=revoked_list([self.license()]))
        case("another license revoked", good, "valid", "the list does not name it",
             revoked=revoked_list(["lic_0000000000001"]))
        case("revoked and expired", good, "expired", "the list is looked at last", now=now + 200 * base.DAY,
             revoked=revoked_list([self.license()]))
        return {"now": now, "names": NAMES, "cases": self.cases}

    def license(self) -> str:
        return self.fields(self.key())["license"]


def crockford_number(number: int) -> str:
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(60, -1, -5))


# MARK: License files

def license_files(base) -> dict:
    def armor(token, headers=("Product: whm-panel", "License: lic_0Q5SZ3MHT8V1D", "Domain: example.com",
                              "Valid-Until: 2027-01-28T07:00:00Z"), width=64, end="\n"):
        lines = [token[place:place + width] for place in range(0, len(token), width)]
        begin, finish = "-----BEGIN SIGNET LICENSE-----", "-----END SIGNET LICENSE-----"
        return end.join([begin, *headers, "", *lines, finish, ""])

    token = base.VALID
    good = armor(token)
    rows = [
        ("as it is written", good, "the plain case"), ("CRLF", armor(token, end="\r\n"), "lines end in LF or CRLF"),
        ("without the last line's end", good[:-1], "editors drop it"),
        ("no lines for people", armor(token, headers=()), "they are informative"),
        ("an unknown line", armor(token, headers=("Note: carried by hand",)), "they are informative"),
        ("lines that lie", armor(token, headers=("Domain: example.net",)), "they are informative: the token decides"),
        ("a token of one whole line", armor("a" * 64), "what is no token is for the verifier to say"),
    ]
    refused = [
        ("empty", "", "no BEGIN line"), ("the token alone", token, "no BEGIN line"),
        ("a byte order mark", "\ufeff" + good, "anything before BEGIN"), ("a blank line first", "\n" + good, "anything before BEGIN"),
        ("text after END", good + "x", "anything after END"), ("a blank line after END", good + "\n", "anything after END"),
        ("two files", good + good, "anything after END"), ("no END", good[:good.index("-----END")], "cut off"),
        ("another BEGIN", good.replace("SIGNET LICENSE", "CERTIFICATE"), "another kind of file"),
        ("no blank line", good.replace("Z\n\n", "Z\n"), "the token would be taken for a line for people"),
        ("no token", armor(""), "nothing between"), ("lines of 63", armor(token, width=63), "64 characters"),
        ("lines of 65", armor(token, width=65), "64 characters"), ("one long line", armor(token, width=9999), "64 characters"),
        ("a blank line in the token", armor(token[:64] + "\n\n" + token[64:], width=9999), "64 characters"),
        ("a space at a line's end", good.replace("\n-----END", " \n-----END"), "token characters only"),
        ("padding", armor(token + "="), "token characters only"),
        ("a line without a colon", armor(token, headers=("Product",)), "Name: value"),
        ("a line without a value", armor(token, headers=("Product: ",)), "Name: value"),
        ("a line without a space", armor(token, headers=("Product:x",)), "Name: value"),
        ("a digit in a name", armor(token, headers=("Line2: x",)), "Name: value"),
        ("a line outside ASCII", armor(token, headers=("Domain: b\u00fccher.example.com",)), "printable ASCII: A-labels"),
        ("17 lines for people", armor(token, headers=("A: b",) * 17), "16"),
        ("a line of 513 bytes", armor(token, headers=("A: " + "b" * 510,)), "512"),
        ("a CR inside", good.replace("whm-panel", "whm\rpanel"), "printable ASCII"),
        ("16,385 bytes", armor("a" * (16_385 - 320)), "16,384"),
    ]
    return {"cases": [
        {"name": name, "file": text, "expect": "valid",
         "token": "".join(text.replace("\r", "").split("\n\n")[1].split("\n-----END")[0].split("\n")), "why": why}
        for name, text, why in rows
    ] + [{"name": name, "file": text, "expect": "malformed", "why": why} for name, text, why in refused]}


# MARK: Requests

def requests(base) -> dict:
    members = {"v": 1, "product": "whm-panel", "last4": "3MXE", "domain": "example.com", "ip": "192.0.2.10", "inst": None,
               "nonce": "pQ2f1cE0s8n4QmBqgq9m0A", "iat": base.NOW}

    def text(body=None, opening="SIGNET-REQUEST-1", **changes):
        body = base.compact(base.changed(members, **changes)) if body is None else body
        whole = opening + "." + base.encode(body)
        return whole + "." + base.encode(hashlib.sha256(whole.encode()).digest()[:3])

    good = text()
    cases = []

    def case(name, request, expect, why, **fields):
        entry = {"name": name, "request": request, "expect": expect}
        if expect == "valid":
            entry["fields"] = {name: value for name, value in {**members, **fields}.items() if name != "v"}
        cases.append({**entry, "why": why})

    case("with a domain", good, "valid", "the plain case")
    case("with an installation id", text(domain=None, ip=None, inst="panel-7f3a"), "valid", "one of the two is enough",
         domain=None, ip=None, inst="panel-7f3a")
    case("without the key's last symbols", text(last4=None), "valid", "known to who answers", last4=None)
    case("an unknown member", text(more=[1]), "valid", "additive format")
    case("wrapped by mail", "\n".join(good[place:place + 60] for place in range(0, len(good), 60)) + "\r\n", "valid",
         "white space anywhere is ignored")
    for name, request, why in [
        ("cut at the end", good[:-1], "copied incompletely"), ("without checksum", good[:-5], "copied incompletely"),
        ("cut in the middle", good[:60], "copied incompletely"), ("twice", good + good, "pasted twice"),
        ("a wrong character", good[:40] + ("A" if good[40] != "A" else "B") + good[41:], "mistyped"),
        ("a character missing", good[:40] + good[41:], "mistyped"),
        ("another case", good[:17] + good[17:].swapcase(), "base64url has two cases"),
    ]:
        case(name, request, "bad_checksum", why)
    case("empty", "", "malformed", "no text")
    case("a license key", "7C4Q-PTV1-0YKB-3MXE", "malformed", "another thing")
    case("4,097 bytes", good + " " * (4097 - len(good)), "malformed", "4,096")
    case("version 2", text(opening="SIGNET-REQUEST-2"), "unsupported_version", "a later format")
    case("version 2 inside", text(v=2), "unsupported_version", "a later format")
    case("neither domain nor installation id", text(domain=None), "malformed_claims", "nothing to bind to")
    case("an empty domain", text(domain=""), "malformed_claims", "1 to 253 bytes")
    case("a domain of 254 bytes", text(domain="a" * 254), "malformed_claims", "1 to 253 bytes")
    case("three symbols", text(last4="MXE"), "malformed_claims", "four, or null")
    case("no nonce", text(nonce=base.ABSENT), "malformed_claims", "always there")
    case("iat as text", text(iat="1800000000"), "malformed_claims", "an integer")
    case("no product", text(product=base.ABSENT), "malformed_claims", "always there")
    case("a member twice", text(base.compact(members)[:-1] + b',"domain":"example.net"}'), "malformed_claims",
         "strict JSON")
    case("an array", text(b"[]"), "malformed_claims", "an object")
    return {"cases": cases}


# MARK: Lists of revoked licenses

def stored(data: bytes) -> bytes:
    """A ZLIB stream of stored blocks (RFC 1950, RFC 1951 section 3.2.4)."""
    blocks = [data[place:place + 65_535] for place in range(0, len(data), 65_535)] or [b""]
    body = b"".join(struct.pack("<BHH", block is blocks[-1], len(block), len(block) ^ 0xFFFF) + block for block in blocks)
    stream = b"\x78\x01" + body + struct.pack(">I", zlib.adler32(data))
    assert zlib.decompress(stream) == data
    return stream


def zeros(count: int) -> bytes:
    """A ZLIB stream of `count` zero bytes in one fixed-Huffman block: one literal, then matches of 258 at distance 1."""
    bits = ["1", "10", "00110000"]  # last block; fixed Huffman (01, low bit first); literal 0
    matches, rest = divmod(count - 1, 258)
    bits += ["11000101" + "00000"] * matches + ["00110000"] * rest + ["0000000"]
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    body = bytes(int(text[place:place + 8][::-1], 2) for place in range(0, len(text), 8))
    stream = b"\x78\x01" + body + struct.pack(">I", zlib.adler32(bytes(count)))
    assert zlib.decompress(stream) == bytes(count)
    return stream


class StatusLists:
    DRAFT = "eNrbuRgAAhcBXQ"  # draft-ietf-oauth-status-list section 4.1: bytes B9 A3
    REVOKED = [0, 3, 4, 5, 7, 8, 9, 13, 15]

    def __init__(self, base):
        self.base = base
        assert zlib.decompress(base64.urlsafe_b64decode(self.DRAFT + "==")) == b"\xb9\xa3"
        self.head = {"alg": "EdDSA", "typ": "statuslist+jwt", "kid": base.ONE.kid}
        self.claims = {
            "iss": "signet", "sub": "https://licenses.example.com/api/v1/installer/revocations", "iat": base.NOW - 60,
            "exp": base.NOW + 400 * base.DAY, "ttl": 43_200, "seq": 12, "status_list": {"bits": 1, "lst": self.DRAFT},
            "act": ["act_0Z7K2N4P9R3TB"], "lic": ["lic_0Q5SZ3MHT8V1D"],
        }

    def make(self, head=None, key=None, **changes) -> str:
        return self.base.token(self.base.changed(self.claims, **changes), {**self.head, **(head or {})},
                               key or self.base.ONE)

    def bits(self, indices) -> dict:
        data = bytearray(max(indices, default=0) // 8 + 1)
        for index in indices:
            data[index // 8] |= 1 << index % 8
        return {"bits": 1, "lst": self.base.encode(stored(bytes(data)))}

    # tidy:allow function-length one table of cases; splitting would hide what is missing
    def files(self) -> dict:
        base, make = self.base, self.make
        cases = []

        def case(name, text, expect, why, now=None, issuer="signet", seq=12, revoked=(), not_revoked=(),
                 ended=("act_0Z7K2N4P9R3TB",), offline=("lic_0Q5SZ3MHT8V1D",)):
            entry = {"name": name, "list": text, "issuer": issuer}
            if now is not None:
                entry["now"] = now
            entry["expect"] = expect
            if expect == "valid":
                entry["fields"] = {"seq": seq, "revoked": list(revoked), "not_revoked": list(not_revoked),
                                   "ended": list(ended), "revoked_offline": list(offline)}
            cases.append({**entry, "why": why})

        def lst(data: bytes):
            return {"bits": 1, "lst": base.encode(data)}

        good = make()
        clear = [1, 2, 6, 10, 11, 12, 14, 16, 17, 1000, 2**53 - 1]
        case("the draft's own list", good, "valid", "section 4.1: least significant bit first",
             revoked=self.REVOKED, not_revoked=clear)
        case("nobody revoked", make(status_list=self.bits([]), act=[], lic=[]), "valid", "one zero byte",
             not_revoked=[0, 1, 8], ended=[], offline=[])
        case("an empty list", make(status_list=lst(stored(b""))), "valid", "licenses beyond the end are newer than it",
             not_revoked=[0, 1])
        case("one late license", make(status_list=self.bits([100_000])), "valid", "12,501 bytes",
             revoked=[100_000], not_revoked=[0, 99_999, 100_001])
        case("compressed with fixed Huffman codes", make(status_list=lst(zeros(5000))), "valid", "any DEFLATE block",
             not_revoked=[0, 39_999])
        case("without act and lic", make(act=base.ABSENT, lic=base.ABSENT), "valid", "absent: none",
             revoked=[0], ended=[], offline=[])
        case("an unknown claim", make(aggregation_uri="https://example.com"), "valid", "additive format", revoked=[0])
        case("the second pinned key", make({"kid": base.TWO.kid}, base.TWO), "valid", "several keys are pinned", revoked=[0])
        case("any issuer", make(iss="elsewhere"), "valid", "the verifier was told none", issuer=None, revoked=[0])
        case("300 s before it was signed", good, "valid", "the skew of a slow clock", now=base.NOW - 360, revoked=[0])
        case("301 s before it was signed", good, "not_yet_valid", "beyond the skew", now=base.NOW - 361)
        case("the last second", good, "valid", "now < exp", now=base.NOW + 400 * base.DAY - 1, revoked=[0])
        case("the second of its end", good, "expired", "not taken in as news", now=base.NOW + 400 * base.DAY)
        case("another issuer", make(iss="elsewhere"), "wrong_issuer", "told, and another")
        case("empty", "", "malformed", "not three parts")
        case("two parts", good.rsplit(".", 1)[0], "malformed", "not three parts")
        case("padding", good + "=", "malformed", "canonical base64url")
        case("a license token", base.VALID, "wrong_type", "signed by us, but not as a list")
        case("alg none", make({"alg": "none"}), "unsupported_algorithm", "the sender never chooses")
        case("crit", make({"crit": ["exp"]}), "unsupported_critical", "no extension is known")
        case("an unknown key", make({"kid": base.UNKNOWN.kid}, base.UNKNOWN), "unknown_key", "not pinned")
        case("a stranger's signature", make(key=base.UNKNOWN), "bad_signature", "the kid is only a name")
        for claim in ("iss", "sub", "iat", "exp", "ttl", "seq", "status_list"):
            case(f"without {claim}", make(**{claim: base.ABSENT}), "malformed_claims", "always present")
        case("a negative sequence", make(seq=-1), "malformed_claims", "an integer")
        case("a sequence as text", make(seq="12"), "malformed_claims", "an integer")
        case("act not of strings", make(act=[1]), "malformed_claims", "an array of strings")
        case("two bits", make(status_list={"bits": 2, "lst": self.DRAFT}), "malformed_claims", "1 and nothing else")
        case("no lst", make(status_list={"bits": 1}), "malformed_claims", "the list")
        case("lst with padding", make(status_list={"bits": 1, "lst": self.DRAFT + "=="}), "malformed_claims",
             "canonical base64url")
        whole = stored(b"\xb9\xa3")
        for name, data, why in [
            ("a ZLIB stream cut off", whole[:-1], "whole"), ("bytes after the ZLIB stream", whole + b"\0", "nothing after it"),
            ("a wrong ADLER-32", whole[:-1] + bytes([whole[-1] ^ 1]), "RFC 1950"),
            ("bare DEFLATE", whole[2:-4], "the ZLIB format, not DEFLATE alone"), ("gzip", b"\x1f\x8b" + whole[2:], "the ZLIB format"),
            ("nothing compressed", b"", "a ZLIB stream"), ("raw bytes", b"\xb9\xa3", "a ZLIB stream"),
            ("2,097,153 bytes decompressed", zeros(LIST_BYTES_MAX + 1), "a small text that grows: 2,097,152 at most"),
        ]:
            case(name, make(status_list=lst(data)), "malformed_claims", why)
        return {"now": base.NOW, "cases": cases, "tokens": self.tokens()}

    def tokens(self) -> list:
        base, make = self.base, self.make
        other = {"act": [], "lic": [], "status_list": self.bits([16, 18])}
        rows = [
            ("a revoked license", base.VALID, make(**{**other, "status_list": self.bits([17])}), "revoked", "bit 17 is set", None),
            ("its neighbors revoked", base.VALID, make(**other), "valid", "bit 17 is not set", None),
            ("a list that ends before the license", base.VALID, make(**{**other, "status_list": self.bits([])}), "valid",
             "newer than the list", None),
            ("an activation ended early", base.VALID, make(**{**other, "act": ["act_0Z7K2N4P9R3TB"]}), "revoked",
             "act names it", None),
            ("another activation ended early", base.VALID, make(**{**other, "act": ["act_0000000000001"]}), "valid",
             "act does not name it", None),
            ("a development host", base.token(base.claims(act=None)), make(**other), "valid", "no activation to end", None),
            ("a list of another issuer", base.VALID, make(**{**other, "iss": "elsewhere", "status_list": self.bits([17])}),
             "valid", "it says nothing about this issuer's licenses", None),
            ("revoked, and the list has ended", base.token(base.claims(exp=base.NOW + 500 * base.DAY)),
             make(**{**other, "status_list": self.bits([17])}), "revoked",
             "a list that is held keeps counting", base.NOW + 450 * base.DAY),
            ("revoked and expired", base.VALID, make(**{**other, "status_list": self.bits([17])}), "expired",
             "the list is looked at last", base.CLAIMS["exp"]),
        ]
        return [{"name": name, "token": token, "list": text, "now": now or base.NOW, "expect": expect, "why": why}
                for name, token, text, expect, why, now in rows]

    def revoking(self, licenses) -> str:
        return self.make(status_list=self.bits([]), act=[], lic=licenses)


def files(base) -> dict:
    lists = StatusLists(base)
    return {
        "offline-keys.json": OfflineKeys(base).files(lists.revoking),
        "license-files.json": license_files(base),
        "requests.json": requests(base),
        "status-lists.json": lists.files(),
    }
