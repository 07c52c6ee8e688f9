"""Keeps one installation licensed: asks the license service now and then, works from the signed token in between.

Python 3.9 or later on Unix, `signet_token.py` beside it, and the package `cryptography`. README.md shows how to build
it in.
"""

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
import typing
import unicodedata
import urllib.parse

import signet_token
from signet_token import CLOCK_TOLERANCE, KEY_SET_BYTES_MAX, REVOCATIONS_BYTES_MAX, read_json

# MARK: The installation

TIMEOUT_SECONDS = 2.0  # for one check, over all servers, a key set and a list of revoked licenses included
PROVISIONAL_SECONDS = 72 * 3600
BACKOFF_MIN = 900
BACKOFF_MAX = 5 * 3600  # 6 h with the longest jitter
CHECK_LATEST = 7 * 86400
KEY_SET_SECONDS = 86400  # between two looks for a newer key set
KEY_SET_SECONDS_MIN = 900  # the same when a token names a key that is not known
ANSWER_BYTES_MAX = 65536
ENDING = ("REVOKED", "SUSPENDED", "EXPIRED", "NOT_ACTIVATED")


class License:
    """Asks the license service now and then, keeps the signed token, works from it in between."""

    def __init__(self, settings, clock=lambda: int(time.time())):
        """`settings`: `key`, `domain`, `product`, `issuer`, `jwks` and `root` (JSON text; one may be left out),
        `servers` (base addresses), `state` (a directory of this installation), and if used `address`,
        `installation_id`. All are stored at installation: nothing is ever taken from a visitor's request. `clock`: unix
        seconds; for tests."""
        self.key = settings["key"].strip()
        self.root = settings.get("root")
        self.jwks = settings.get("jwks") or ('{"keys":[]}' if self.root else "")
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
        `unlicensed`. `usable`: bool. `code`: the verdict, refusal or problem. `key_set`, `revocations`: number of the
        signed key set and of the list of revoked licenses that are held, 0 for none.
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
            "key_set": 0, "revocations": 0,
            "warnings": warnings + [text for text in (state["error"], state["notice"]) if text],
        }
        if state["ended"]:
            return {**status, "state": "ended", "code": state["ended"], "message": state["message"]}
        if problem := self._problem():
            since = state["unverifiable_since"] or at
            usable = at < since + PROVISIONAL_SECONDS
            return {**status, "state": "unverifiable", "usable": usable, "code": problem[0], "message": problem[1]}
        trust = self._trust()
        status.update(key_set=trust.key_set["seq"] if trust.key_set else 0, revocations=trust.sequence)
        claims = self._held(at, trust)
        if isinstance(claims, dict):
            return {
                **status, "state": "outage" if state["error"] else "licensed", "usable": True,
                "code": state["refused"] or state["verdict"] or None, "message": state["message"],
                "plan": claims["plan"], "features": claims["feat"],
                "token_expires": claims["exp"], "license_expires": claims["lic_exp"],
            }
        if claims == "revoked":
            return {**status, "state": "ended", "code": claims, "message": "The vendor revoked this license."}
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
                decision = self._record_attempt(now, force)
            if decision != "due":
                return decision
            nonce = secrets.token_urlsafe(16)  # nobody can have this answer already
            answer, notice = self._consult(nonce, now)
            with self._lock():
                return self._learn(answer, nonce, notice, now)
        except OSError:
            return "not_recorded"

    def _record_attempt(self, now, force):
        """Writes the attempt down before it is made, as one that fails. Returns `due` or why it is not made."""
        state = self._read_state()
        if self._problem():
            state["unverifiable_since"] = state["unverifiable_since"] or now
            self._write_state(state)
            return "unverifiable"
        has_token = isinstance(self._held(now, self._trust()), dict)
        is_lost = not has_token and state["failures"] == 0  # the token was there and is not: do not wait
        if now < state["next_attempt"] <= now + CHECK_LATEST and not is_lost and not force:
            return "not_due"
        if not state["provisional_since"] and is_well_formed(self.key):
            state["provisional_since"] = now
        state["failures"] += 1
        state["next_attempt"] = now + _backoff(state["failures"])
        state["highest_seen"] = max(state["highest_seen"], now)
        state["unverifiable_since"] = 0
        self._write_state(state)
        return "due"

    def _learn(self, answer, nonce, notice, now):
        """Applies an answer (or the text of a failure). Only a 200 answer that says valid:false with one of ENDING ends
        a token; whatever else comes leaves it working until it expires. `notice`: what else went wrong."""
        state, trust = self._read_state(), self._trust()
        held = self._held(now, trust)
        if isinstance(answer, str):
            return self._write_state({**state, "error": answer}, "failed")
        state.update(message=str(answer.get("message") or "")[:500], notice=notice)
        if not answer["valid"]:
            if answer["code"] not in ENDING:
                return self._write_state({**state, "error": "", "refused": answer["code"]}, "refused")
            self._write_state({**state, "error": "", "ended": answer["code"]})
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.directory, "token"))
            return "ended"
        token = str(answer.get("token") or "")
        claims = self._verify(token, now, trust)
        if reason := claims if isinstance(claims, str) else self._stranger(claims, nonce):
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
        state["highest_seen"] = now
        return self._write_state(state, "updated" if replace else "kept")

    def _stranger(self, claims, nonce):
        """What tells that a good token is not the answer to this question, or None."""
        if claims.get("nonce") != nonce:
            return "another nonce"
        return "another domain" if claims["dom"] != (self.installation["domain"] or claims["dom"]) else None

    # What is trusted

    def verify(self, token):
        """The claims of a token (a dict), or the code of the refusal or of what keeps this machine from verifying: by
        the keys and the list that are held."""
        if problem := self._problem():
            return problem[0]
        return self._verify(token, self.clock(), self._trust())

    def take_key_set(self, document):
        """Takes in a key set that the vendor's root signed: from the server, or carried here as a file.

        Returns `updated`, `kept` (it is held already), `no_root`, `not_recorded`, the code of the refusal, or what
        keeps this machine from verifying.
        """

        def judge(trust):
            if not self.root:
                return "no_root"
            root, held = signet_token.read_root(self.root), trust.key_set
            new = signet_token.accept_key_set(document, root, held, self.issuer, self.clock())
            return new if isinstance(new, str) else "kept" if held and held["document"] == document else "updated"

        return self._take("keys", document, judge)

    def take_revocations(self, text):
        """Takes in a list of revoked licenses if it is newer than the one held, which an old list must not undo.

        Returns as `take_key_set`; `kept` for a list of the same number, `outdated` for one before it.
        """

        def judge(trust):
            new = signet_token.read_revocations(text, trust.keys, self.issuer, self.clock())
            if isinstance(new, str) or not trust.revocations or new["seq"] > trust.sequence:
                return new if isinstance(new, str) else "updated"
            return "kept" if new["seq"] == trust.sequence else "outdated"

        return self._take("revocations", text, judge)

    def _take(self, name, text, judge):
        """Stores a text if `judge` says `updated` to it. Returns what it says."""
        if problem := self._problem():
            return problem[0]
        try:
            with self._lock():
                outcome = judge(self._trust())
                if outcome == "updated":
                    self._write(name, text)
        except OSError:
            return "not_recorded"
        return outcome

    def _trust(self):
        """The keys and the list that count now. A stored file that is damaged, or that another root or a key since
        revoked signed, counts as none."""
        document = self._read_text("keys", KEY_SET_BYTES_MAX) if self.root else ""
        held = signet_token.restore_key_set(document, signet_token.read_root(self.root)) if document else None
        key_set = held if isinstance(held, dict) else None
        keys = key_set["keys"] if key_set else signet_token.read_key_set(self.jwks)
        text = self._read_text("revocations", REVOCATIONS_BYTES_MAX)
        revocations = signet_token.read_revocations(text, keys, self.issuer) if text else None
        return Trust(key_set, keys, revocations if isinstance(revocations, dict) else None)

    def _verify(self, token, now, trust):
        return signet_token.verify(
            token, trust.keys, self.installation, self.product, self.issuer, now, trust.revocations
        )

    def _held(self, now, trust):
        """The claims of the stored token if it holds, its refusal code, or "" if there is none."""
        token = self._read_text("token", ANSWER_BYTES_MAX)
        return self._verify(token.strip(), now, trust) if token is not None else ""

    # The network

    def _consult(self, nonce, now):
        """Asks the service and, after an answer, for a newer key set and list of revoked licenses, all within
        TIMEOUT_SECONDS. Returns the answer, or the text of a failure, and what else went wrong."""
        until = time.monotonic() + TIMEOUT_SECONDS
        try:
            server, answer = self._ask(nonce, until)
        except ConnectionError as failure:
            return str(failure), ""
        notices = []
        if self._key_set_is_due(str(answer.get("token") or ""), now):
            notices.append(self._fetch(server, "keys", KEY_SET_BYTES_MAX, self.take_key_set, until))
        newest = answer.get("revocations")
        newest = newest.get("sequence") if isinstance(newest, dict) else None
        if type(newest) is int and newest > self._trust().sequence:
            notices.append(self._fetch(server, "revocations", REVOCATIONS_BYTES_MAX, self.take_revocations, until))
        return answer, "; ".join(filter(None, notices))

    def _ask(self, nonce, until):
        """The first server with a readable 200 answer to this very question, and the answer. Raises ConnectionError."""
        request = {
            "license_key": self.key, "domain": self.installation["domain"],
            "ip_address": self.installation["address"], "product": self.product,
            "installation_id": self.installation["installation_id"], "nonce": nonce,
        }
        body = json.dumps({name: value for name, value in request.items() if value is not None}).encode()
        error = "no server is set"
        for index, server in enumerate(self.servers):
            try:
                share = (until - time.monotonic()) / (len(self.servers) - index)
                url = server.rstrip("/") + "/api/v1/installer/validate"
                status, data = _http("POST", url, body, share, ANSWER_BYTES_MAX)
                if status != 200:
                    raise ValueError(f"HTTP {status}")
                answer = read_json(data)
                kinds = [type(answer.get(name)) for name in ("valid", "code")] if isinstance(answer, dict) else []
                if kinds != [bool, str]:
                    raise ValueError("the answer is not readable")
                if answer.get("nonce") != nonce:
                    raise ValueError("this is the answer to another question")
                return server, answer
            except (OSError, ValueError, http.client.HTTPException) as failure:
                error = f"{server}: {failure or type(failure).__name__}"
        raise ConnectionError(error)

    def _key_set_is_due(self, token, now):
        """Whether to ask for a newer key set; written down before it is done. Once a day, and when a token names a key
        that is not known: perhaps it is new."""
        if not self.root:
            return False
        with self._lock():
            state = self._read_state()
            is_unknown = self._verify(token, now, self._trust()) == "unknown_key"
            if 0 <= now - state["keys_asked"] < (KEY_SET_SECONDS_MIN if is_unknown else KEY_SET_SECONDS):
                return False
            self._write_state({**state, "keys_asked": now})
        return True

    def _fetch(self, server, name, bytes_max, take, until):
        """Fetches a signed text and takes it in. Returns what went wrong, for people, or "": nothing depends on it."""
        try:
            url = f"{server.rstrip('/')}/api/v1/installer/{name}"
            status, data = _http("GET", url, None, until - time.monotonic(), bytes_max)
            if status == 404 and name == "keys":
                return ""  # the vendor has signed none: the pins hold
            outcome = take(data.decode("latin-1")) if status == 200 else f"HTTP {status}"
        except (OSError, ValueError, http.client.HTTPException) as failure:
            outcome = failure or type(failure).__name__
        return "" if outcome in ("updated", "kept") else f"{name}: {outcome}"

    # What is stored

    def _problem(self):
        """Code and message of what keeps this machine from verifying anything, or None."""
        if signet_token.Ed25519PublicKey is None:
            return "cryptography_missing", "The Python package cryptography is missing: the license cannot be checked."
        if self.installation["domain"] is None and self.installation["installation_id"] is None:
            return "domain_missing", "The stored domain of this installation is not a host name."
        try:
            signet_token.read_key_set(self.jwks)
            signet_token.read_root(self.root) if self.root else None
        except ValueError as failure:
            return "key_set_unusable", str(failure)
        return None

    def _read_state(self):
        """What is remembered between checks; for another key or domain nothing but the two first members."""
        kept = {"provisional_since": 0, "highest_seen": 0}
        fresh = {
            **kept, "unverifiable_since": 0, "failures": 0, "next_attempt": 0, "refused": "", "ended": "",
            "verdict": "", "error": "", "message": "", "notice": "", "keys_asked": 0, "for": self.identity,
        }
        try:
            stored = read_json(self._read("state.json", ANSWER_BYTES_MAX))
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

    def _read(self, name, bytes_max):
        with open(os.path.join(self.directory, name), "rb") as file:
            return file.read(bytes_max)

    def _read_text(self, name, bytes_max):
        """A stored text of ASCII; "" for one that is damaged, None if there is none."""
        try:
            return self._read(name, bytes_max).decode("ascii")
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            return ""

    def _write(self, name, text):
        """Replaces a file whole or not at all."""
        path = os.path.join(self.directory, name)
        with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(path + ".new", path)


class Trust(typing.NamedTuple):
    """What tokens are judged by."""

    key_set: typing.Optional[dict]
    """The signed key set, None while the pins hold."""
    keys: dict
    revocations: typing.Optional[dict]
    """The list of revoked licenses, None if none is held."""

    @property
    def sequence(self):
        """The number of the list, 0 for none."""
        return self.revocations["seq"] if self.revocations else 0


def _http(method, url, body, seconds, bytes_max):
    """Status and body of an answer. In a thread, because a socket's time-out limits each read, not the whole: what is
    not done in time is left behind. Raises OSError, ValueError or HTTPException."""
    part = urllib.parse.urlsplit(url)
    answers = queue.SimpleQueue()

    def work():
        try:
            connect = http.client.HTTPSConnection if part.scheme == "https" else http.client.HTTPConnection
            with contextlib.closing(connect(part.hostname, part.port, timeout=seconds)) as connection:
                connection.request(method, part.path, body, {"Content-Type": "application/json"} if body else {})
                response = connection.getresponse()
                data = response.read(bytes_max + 1)
                answers.put((response.status, data) if len(data) <= bytes_max else ValueError("the answer is too long"))
        except Exception as failure:
            answers.put(failure)

    if seconds <= 0:
        raise TimeoutError("no answer in time")
    threading.Thread(target=work, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
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
