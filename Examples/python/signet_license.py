"""Keeps one installation licensed and verifies its license token without a network (docs/token-format.md).

Python 3.9 or later on Unix, and the package `cryptography`. README.md shows how to build it in.
"""

import base64
import contextlib
import fcntl
import hashlib
import http.client
import ipaddress
import json
import os
import queue
import random
import re
import secrets
import threading
import time
import unicodedata
import urllib.parse

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:  # named in the status, never taken for "invalid"
    Ed25519PublicKey = None

# MARK: The token

INTEGER_MAX = 2**53 - 1
BINDINGS = {
    "dom": ("domain", "wrong_domain"),
    "ip": ("address", "wrong_address"),
    "inst": ("installation_id", "wrong_installation"),
}


def verify(token, jwks, installation, product, issuer, now):
    """Returns the claims (a dict), or the code of the refusal (a str).

    `jwks`: the pinned key set, as JSON text. `installation`: a dict with `domain`, `address` and `installation_id`,
    canonical strings or None. `product`, `issuer`: None to accept any. `now`: unix seconds.
    Raises ValueError if the key set is unusable, RuntimeError if `cryptography` is missing.
    """
    keys = read_key_set(jwks)
    if len(token) > 8192 or token.count(".") != 2:
        return "malformed"
    try:
        head, payload, signature = [_base64url(part) for part in token.split(".")]
        header = read_json(head)
    except ValueError:
        return "malformed"
    if not isinstance(header, dict):
        return "malformed"
    if header.get("alg") not in ("EdDSA", "Ed25519"):
        return "unsupported_algorithm"
    if header.get("typ") != "lic+jwt":
        return "wrong_type"
    if "crit" in header:
        return "unsupported_critical"
    kid = header.get("kid")
    if not isinstance(kid, str) or kid not in keys:
        return "unknown_key"
    if not _is_signed(signature, token.rpartition(".")[0].encode(), keys[kid]):
        return "bad_signature"
    try:
        claims = read_json(payload)
    except ValueError:
        return "malformed_claims"
    if not isinstance(claims, dict) or not _are_claims(claims):
        return "malformed_claims"
    if issuer is not None and claims["iss"] != issuer:
        return "wrong_issuer"
    if product is not None and claims["aud"] != product:
        return "wrong_product"
    if now < claims["nbf"] - 300:
        return "not_yet_valid"
    if now >= claims["exp"]:
        return "expired"
    for claim, (name, refusal) in BINDINGS.items():
        if claim in claims["bind"] and claims[claim] != installation.get(name):
            return refusal
    return claims


def read_key_set(jwks):
    """Raw public keys by key id; keys that are not Ed25519 are left out. Raises ValueError if the set is unusable."""
    whole = read_json(jwks.encode())
    if not isinstance(whole, dict) or not isinstance(whole.get("keys"), list):
        raise ValueError("the key set is not a JWKS")
    keys = {}
    for key in whole["keys"]:
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


def _is_signed(signature, message, key):
    if Ed25519PublicKey is None:
        raise RuntimeError("the package cryptography is missing")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _is_string(value):
    return isinstance(value, str)


def _is_integer(value):
    return type(value) is int and 0 <= value <= INTEGER_MAX  # a bool is no integer


def _is_strings(value):
    return isinstance(value, list) and all(map(_is_string, value))


def _or_null(is_type):
    return lambda value: value is None or is_type(value)


CLAIMS = {
    **dict.fromkeys(["iss", "sub", "aud", "jti", "plan"], _is_string),
    **dict.fromkeys(["iat", "nbf", "exp", "grace", "max", "used", "ver", "status", "next", "st"], _is_integer),
    **dict.fromkeys(["dom", "ip", "inst", "act"], _or_null(_is_string)),
    **dict.fromkeys(["feat", "bind"], _is_strings),
    "lic_exp": _or_null(_is_integer),
}


def _are_claims(claims):
    if not all(name in claims and is_type(claims[name]) for name, is_type in CLAIMS.items()):
        return False
    bind = claims["bind"]
    return (
        0 < len(bind) == len(set(bind))
        and all(name in BINDINGS and claims[name] for name in bind)
        and _is_string(claims.get("nonce", ""))
    )


# MARK: The installation

TIMEOUT_SECONDS = 2.0  # for one check, over all servers
PROVISIONAL_SECONDS = 72 * 3600
BACKOFF_MIN = 900
BACKOFF_MAX = 5 * 3600  # 6 h with the longest jitter
CHECK_LATEST = 7 * 86400
CLOCK_TOLERANCE = 300
ANSWER_BYTES_MAX = 65536
ENDING = ("REVOKED", "SUSPENDED", "EXPIRED", "NOT_ACTIVATED")


class License:
    """Asks the license service now and then, keeps the signed token, works from it in between."""

    def __init__(self, settings, clock=lambda: int(time.time())):
        """`settings`: `key`, `domain`, `product`, `issuer`, `jwks` (JSON text), `servers` (base addresses), `state` (a
        directory of this installation), and if used `address`, `installation_id`. All are stored at installation:
        nothing is ever taken from a visitor's request. `clock`: unix seconds; for tests."""
        self.key = settings["key"].strip()
        self.jwks = settings["jwks"]
        self.product = settings.get("product")
        self.issuer = settings.get("issuer")
        self.servers = settings["servers"]
        self.directory = settings["state"]
        self.installation = {
            "domain": canonical_domain(settings.get("domain") or ""),
            "address": canonical_address(settings.get("address") or ""),
            "installation_id": settings.get("installation_id"),
        }
        subject = [self.key, self.product, self.installation["domain"], self.installation["installation_id"]]
        self.identity = hashlib.sha256(json.dumps(subject).encode()).hexdigest()
        self.clock = clock

    def is_licensed(self):
        """Whether the software may run in full. No network."""
        return self.status()["usable"]

    def status(self):
        """What is known, without a network.

        `state`: `licensed`, `outage` (licensed, but the service could not be asked), `provisional` (first 72 hours),
        `unverifiable` (this machine cannot check, which says nothing about the license), `ended` (by the service),
        `unlicensed`. `usable`: bool. `code`: the verdict, refusal or problem.
        """
        state, now = self._read_state(), self.clock()
        at = max(now, state["highest_seen"])
        set_back = now < state["highest_seen"] - CLOCK_TOLERANCE
        place = self.directory if os.path.isdir(self.directory) else os.path.dirname(self.directory) or "."
        warnings = ["clock_set_back"] * set_back + ["state_unreadable"] * state["corrupt"]
        warnings += [] if os.access(place, os.W_OK) else ["state_not_writable"]
        status = {
            "state": "unlicensed", "usable": False, "code": None, "message": "", "plan": None, "features": [],
            "token_expires": None, "license_expires": None, "next_check": state["next_attempt"],
            "warnings": warnings + [state["error"]] * bool(state["error"]),
        }
        if state["ended"]:
            return {**status, "state": "ended", "code": state["ended"], "message": state["message"]}
        if problem := self._problem():
            since = state["unverifiable_since"] or at
            usable = at < since + PROVISIONAL_SECONDS
            return {**status, "state": "unverifiable", "usable": usable, "code": problem[0], "message": problem[1]}
        claims = self._held(at)
        if isinstance(claims, dict):
            return {
                **status, "state": "outage" if state["error"] else "licensed", "usable": True,
                "code": state["refused"] or state["verdict"] or None, "message": state["message"],
                "plan": claims["plan"], "features": claims["feat"],
                "token_expires": claims["exp"], "license_expires": claims["lic_exp"],
            }
        since = state["provisional_since"]
        if since and not state["refused"] and at < since + PROVISIONAL_SECONDS:
            return {**status, "state": "provisional", "usable": True, "code": "provisional"}
        code = state["refused"] or claims or ("provisional_over" if since else "not_checked")
        return {**status, "code": code, "message": state["message"] if state["refused"] else ""}

    def refresh_if_due(self, force=False):
        """Asks the service if a check is due or forced. For cron or a background job, never for a page: it takes 2 s.

        Returns `updated`, `kept` (the stored token ends later), `ended`, `refused`, `failed`, `not_due`,
        `not_recorded` (the state directory cannot be written) or `unverifiable`.
        """
        now = self.clock()
        try:
            with self._lock():
                decision, nonce = self._record_attempt(now, force)
            if decision != "due":
                return decision
            try:
                answer = self._ask(nonce)
            except ConnectionError as failure:
                answer = str(failure)
            with self._lock():
                return self._learn(answer, nonce, now)
        except OSError:
            return "not_recorded"

    def _record_attempt(self, now, force):
        """Writes the attempt down before it is made, as one that fails. Returns (decision, nonce or None)."""
        state = self._read_state()
        if self._problem():
            state["unverifiable_since"] = state["unverifiable_since"] or now
            self._write_state(state)
            return "unverifiable", None
        has_token = isinstance(self._held(now), dict)
        is_lost = not has_token and state["failures"] == 0  # the token was there and is not: do not wait
        if now < state["next_attempt"] <= now + CHECK_LATEST and not is_lost and not force:
            return "not_due", None
        # A nonce makes the service sign afresh; without one it may hand out a token it has.
        set_back = now < state["highest_seen"] - CLOCK_TOLERANCE
        nonce = secrets.token_urlsafe(16) if force or set_back or not has_token else None
        if not state["provisional_since"] and is_well_formed(self.key):
            state["provisional_since"] = now
        state["failures"] += 1
        state["next_attempt"] = now + _backoff(state["failures"])
        state["highest_seen"] = max(state["highest_seen"], now)
        state["unverifiable_since"] = 0
        self._write_state(state)
        return "due", nonce

    def _learn(self, answer, nonce, now):
        """Applies an answer (or the text of a failure). Only a 200 answer that says valid:false with one of ENDING ends
        a token; whatever else comes leaves it working until it expires."""
        state = self._read_state()
        held = self._held(max(now, state["highest_seen"]))
        if isinstance(answer, str):
            return self._write_state({**state, "error": answer}, "failed")
        state["message"] = str(answer.get("message") or "")[:500]
        if not answer["valid"]:
            if answer["code"] not in ENDING:
                return self._write_state({**state, "error": "", "refused": answer["code"]}, "refused")
            self._write_state({**state, "error": "", "ended": answer["code"]})
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.directory, "token"))
            return "ended"
        token = str(answer.get("token") or "")
        claims = verify(token, self.jwks, self.installation, self.product, self.issuer, now)
        if isinstance(claims, str) or (nonce and claims.get("nonce") != nonce):
            reason = claims if isinstance(claims, str) else "another nonce"
            return self._write_state({**state, "error": f"the answer holds no token for us: {reason}"}, "failed")
        replace = (
            isinstance(held, str) or claims["exp"] >= held["exp"] or claims["ver"] != held["ver"]
            or answer["code"] != state["verdict"]
        )
        if replace:
            self._write("token", token)
        state.update(failures=0, refused="", ended="", error="", verdict=answer["code"])
        state["next_attempt"] = max(now + BACKOFF_MIN, min(claims["next"], now + CHECK_LATEST))
        # A fresh signature over our nonce also says what time it is: it may correct a clock that ran ahead.
        state["highest_seen"] = now if nonce else max(state["highest_seen"], now)
        return self._write_state(state, "updated" if replace else "kept")

    # The network

    def _ask(self, nonce):
        """The first readable 200 answer of the servers, all within TIMEOUT_SECONDS. Raises ConnectionError."""
        request = {
            "license_key": self.key, "domain": self.installation["domain"],
            "ip_address": self.installation["address"], "product": self.product,
            "installation_id": self.installation["installation_id"], "nonce": nonce,
        }
        body = json.dumps({name: value for name, value in request.items() if value is not None}).encode()
        until = time.monotonic() + TIMEOUT_SECONDS
        error = "no server is set"
        for index, server in enumerate(self.servers):
            try:
                share = (until - time.monotonic()) / (len(self.servers) - index)
                answer = read_json(_post(server.rstrip("/") + "/api/v1/installer/validate", body, share))
                if isinstance(answer, dict) and type(answer.get("valid")) is bool and _is_string(answer.get("code")):
                    return answer
                error = "the answer is not readable"
            except (OSError, ValueError, http.client.HTTPException) as failure:
                error = f"{server}: {failure or type(failure).__name__}"
        raise ConnectionError(error)

    # What is stored

    def _problem(self):
        """Code and message of what keeps this machine from verifying anything, or None."""
        if Ed25519PublicKey is None:
            return "cryptography_missing", "The Python package cryptography is missing: the license cannot be checked."
        if self.installation["domain"] is None and self.installation["installation_id"] is None:
            return "domain_missing", "The stored domain of this installation is not a host name."
        try:
            read_key_set(self.jwks)
        except ValueError as failure:
            return "key_set_unusable", str(failure)
        return None

    def _held(self, now):
        """The claims of the stored token if it holds, its refusal code, or "" if there is none."""
        try:
            token = self._read("token").decode("ascii").strip()
        except FileNotFoundError:
            return ""
        except (OSError, ValueError):
            return "malformed"
        return verify(token, self.jwks, self.installation, self.product, self.issuer, now)

    def _read_state(self):
        """What is remembered between checks; for another key or domain nothing but the two first members."""
        kept = {"provisional_since": 0, "highest_seen": 0}
        fresh = {
            **kept, "unverifiable_since": 0, "failures": 0, "next_attempt": 0, "refused": "", "ended": "",
            "verdict": "", "error": "", "message": "", "for": self.identity,
        }
        try:
            stored = read_json(self._read("state.json"))
            state = {name: stored.get(name, value) for name, value in fresh.items()}
            if any(type(state[name]) is not type(value) for name, value in fresh.items()):
                raise ValueError
        except FileNotFoundError:
            return {**fresh, "corrupt": False}
        except (OSError, ValueError, AttributeError):
            return {**fresh, "corrupt": True}
        if state["for"] != self.identity:
            state = {**fresh, **{name: state[name] for name in kept}}
        return {**state, "corrupt": False}

    def _write_state(self, state, outcome=None):
        state = {name: value for name, value in state.items() if name != "corrupt"}
        self._write("state.json", json.dumps(state))
        return outcome

    @contextlib.contextmanager
    def _lock(self):
        """Held while no other process of this installation reads and writes."""
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        with open(os.path.join(self.directory, "lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self, name):
        with open(os.path.join(self.directory, name), "rb") as file:
            return file.read(ANSWER_BYTES_MAX)

    def _write(self, name, text):
        """Replaces a file whole or not at all."""
        path = os.path.join(self.directory, name)
        with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(path + ".new", path)


def _post(url, body, seconds):
    """The body of a 200 answer. In a thread, because a socket's time-out limits each read, not the whole: what is not
    done in time is left behind. Raises OSError, ValueError or HTTPException."""
    part = urllib.parse.urlsplit(url)
    answers = queue.SimpleQueue()

    def work():
        try:
            connect = http.client.HTTPSConnection if part.scheme == "https" else http.client.HTTPConnection
            with contextlib.closing(connect(part.hostname, part.port, timeout=seconds)) as connection:
                connection.request("POST", part.path, body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                if response.status != 200:
                    raise ConnectionError(f"HTTP {response.status}")
                answers.put(response.read(ANSWER_BYTES_MAX))
        except Exception as failure:
            answers.put(failure)

    threading.Thread(target=work, daemon=True).start()
    try:
        answer = answers.get(timeout=max(seconds, 0.01))
    except queue.Empty:
        raise TimeoutError("no answer in time") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _backoff(failures):
    """Seconds until the next try: 15 minutes, doubled by each failure, up to 6 hours; a fifth of it is chance."""
    base = min(BACKOFF_MIN * 2 ** min(failures - 1, 10), BACKOFF_MAX)
    return base + random.randint(0, base // 5)


# MARK: What people type

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def is_well_formed(key):
    """Whether a license key can be one: 15 symbols and the check symbol that belongs to them."""
    key = "".join(c for c in key if not c.isspace() and c != "\u2212" and unicodedata.category(c) != "Pd")
    if not key.isascii() or len(key) != 16:
        return False
    total = 0  # in GF(32) modulo x^5 + x^2 + 1: symbol i counts x^i times
    for symbol in reversed(key.upper().translate(str.maketrans("OIL", "011"))):
        if symbol not in CROCKFORD:
            return False
        total <<= 1
        total ^= (0b100101 if total & 32 else 0) ^ CROCKFORD.index(symbol)
    return total == 0


def canonical_domain(text):
    """The canonical form of a domain (or of an address, for an installation without a name), or None.

    A name outside ASCII is not converted here: configure its A-label (xn--…), or convert it with the package `idna`.
    """
    text = text.strip(" \t\r\n")
    host = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", text)
    host = re.sub(r"^[^/?#]*@|[/?#].*", "", host, flags=re.DOTALL)
    host = text if canonical_address(text) else re.sub(r":[0-9]*\Z", "", host)
    if address := canonical_address(host):
        return address
    host = host.lower() if host.isascii() else ""
    host = host[:-1] if host.endswith(".") else host
    host = re.sub(r"^www\.(?!www\.[^.]+\.)(?=[^.]+\.)", "", host)
    label = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    is_name = len(host) <= 253 and re.fullmatch(rf"(?:{label}\.)*(?![0-9]+\Z){label}", host)
    return host if is_name else None


def canonical_address(text):
    """The canonical text (RFC 5952) of an address, or None."""
    try:
        address = ipaddress.ip_address(re.sub(r"^\[(.*:.*)\]\Z", r"\1", text.strip(" \t\r\n")))
    except ValueError:
        return None
    if getattr(address, "scope_id", None):
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)
