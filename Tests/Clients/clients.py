"""What the client tests share: the four clients as commands, tokens signed by published test keys, a fake service."""

import atexit
import base64
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = pathlib.Path(os.environ.get("SIGNET_EXAMPLES", ROOT / "Examples"))  # another copy, to try the tests on
VECTORS = ROOT / "Tests" / "LicenseTokenTests" / "Vectors"
NOW = 1_800_000_000
HOUR = 3600
DAY = 86_400
KEY = json.loads((VECTORS / "inputs.json").read_text())["license_keys"]["well_formed"][0]
# Published test keys, RFC 8032 section 7.1: TEST 1 and TEST 2 are pinned (keys.json), TEST 3 is a stranger's, and TEST
# SHA(abc) is the root.
PINNED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
SECOND = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
STRANGER = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
ROOT_KEY = bytes.fromhex("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")


# MARK: The clients

class Client:
    """One of the example clients, run as its users run it. Its clock stands at `now`; None: the real time."""

    def __init__(self, name, check, vectors):
        self.name, self.check, self.vectors = name, check, vectors

    def environment(self, now, extra):
        return {
            **os.environ, "SIGNET_EXAMPLE_NOW": str(now or ""), "PYTHONDONTWRITEBYTECODE": "1",
            # A visitor's request must not matter, nor a proxy.
            "SERVER_NAME": "visitor.example.org", "HTTP_HOST": "visitor.example.org", "NO_PROXY": "*", **(extra or {}),
        }

    def start(self, settings, command, now=NOW, environment=None, options=(), arguments=()):
        """`options` are for the interpreter, `arguments` for the client."""
        line = [*self.check, str(settings), command, *map(str, arguments)]
        line[1:1] = options
        return subprocess.Popen(
            line, env=self.environment(now, environment), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )

    def text(self, settings, command, now=NOW, stdin="", **more):
        """Exit code and standard output; whatever a client writes on standard error is a failure."""
        process = self.start(settings, command, now, **more)
        try:
            output, errors = process.communicate(stdin, timeout=30)
        finally:
            process.kill()
            process.wait()
        assert errors == "", f"{self.name}: {errors}"
        return process.returncode, output

    def run(self, settings, command, now=NOW, **more):
        """The status that `command` prints; its exit code must agree."""
        code, output = self.text(settings, command, now, **more)
        status = json.loads(output)
        assert code == (0 if status["usable"] else 1), (code, status)
        return status


_build = None


def clients():
    """The four clients; builds the one in Go at the first call."""
    global _build
    if _build is None:
        _build = tempfile.TemporaryDirectory(prefix="signet-clients-")
        atexit.register(_build.cleanup)
        subprocess.run(
            ["go", "build", "-o", _build.name + "/", "./check", "./verify-vectors"], cwd=EXAMPLES / "go", check=True
        )
    return {
        "php": Client("php", ["php", f"{EXAMPLES}/php/check.php"], ["php", f"{EXAMPLES}/php/verify-vectors.php"]),
        "python": Client(
            "python", ["python3", f"{EXAMPLES}/python/check.py"], ["python3", f"{EXAMPLES}/python/verify-vectors.py"]
        ),
        "node": Client("node", ["node", f"{EXAMPLES}/node/check.mjs"], ["node", f"{EXAMPLES}/node/verify-vectors.mjs"]),
        "go": Client("go", [f"{_build.name}/check"], [f"{_build.name}/verify-vectors"]),
    }


def per_client(mixin):
    """Makes of a mixin one test case class for each client, in the module that defines it."""
    import sys
    import unittest

    module = sys.modules[mixin.__module__]
    for name in ("php", "python", "node", "go"):
        title = f"{name.capitalize()}{mixin.__name__}"
        members = {"client_name": name, "__module__": mixin.__module__}
        setattr(module, title, type(title, (mixin, unittest.TestCase), members))
    return mixin


class Installation:
    """A temporary installation: its settings file and its state directory."""

    def __init__(self, servers, jwks=VECTORS / "keys.json", **changes):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="signet-installation-"))
        self.state = self.place / "state"
        self.settings = self.place / "settings.json"
        self.values = {
            "key": KEY, "domain": "example.com", "address": "192.0.2.10", "product": "whm-panel", "issuer": "signet",
            "servers": servers, "state": str(self.state), "jwks": str(jwks),
        }
        self.change(**changes)

    def change(self, **changes):
        self.values = {name: value for name, value in {**self.values, **changes}.items() if value is not None}
        self.settings.write_text(json.dumps(self.values))

    @property
    def memory(self):
        return json.loads((self.state / "state.json").read_text())

    @property
    def token(self):
        path = self.state / "token"
        return path.read_text() if path.exists() else None

    def remove(self):
        shutil.rmtree(self.place, ignore_errors=True)


# MARK: Tokens

def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


_P, _L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_BASE = (15112221349535400772501151409588531511454012693041857206046113283949847762202,
         46316835694926478169428394003475163141307993866256225615783033603165251855960)


def _add(one, other):
    (x1, y1), (x2, y2) = one, other
    k = _D * x1 * x2 * y1 * y2 % _P
    return ((x1 * y2 + x2 * y1) * pow(1 + k, -1, _P) % _P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, _P) % _P)


def _times(number):
    result, power = (0, 1), _BASE
    while number:
        result, power, number = _add(result, power) if number & 1 else result, _add(power, power), number >> 1
    return (result[1] | (result[0] & 1) << 255).to_bytes(32, "little")


def sign(seed, message):
    """An Ed25519 signature by the text of RFC 8032 section 5.1.6: slow and not secret, for test keys only."""
    digest = hashlib.sha512(seed).digest()
    secret = int.from_bytes(digest[:32], "little") & (2**254 - 8) | 2**254
    public = _times(secret)
    nonce = int.from_bytes(hashlib.sha512(digest[32:] + message).digest(), "little") % _L
    commitment = _times(nonce)
    challenge = int.from_bytes(hashlib.sha512(commitment + public + message).digest(), "little")
    return commitment + ((nonce + challenge * secret) % _L).to_bytes(32, "little")


def jwk(seed):
    """The public half of a test key as a JWK, named by its thumbprint (RFC 7638)."""
    digest = hashlib.sha512(seed).digest()
    x = encode(_times(int.from_bytes(digest[:32], "little") & (2**254 - 8) | 2**254))
    thumbprint = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": encode(thumbprint)[:8]}


def make_signed(kind, claims, seed, kid=None):
    """A signed text whose header says `kind` and `kid`; None: the name of the key that signs."""
    header = {"alg": "EdDSA", "typ": kind, "kid": kid or jwk(seed)["kid"]}
    text = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    return f"{text}.{encode(sign(seed, text.encode()))}"


def make_key_set(sequence, keys=(PINNED, SECOND), revoked=(), seed=ROOT_KEY, kid=None, **claims):
    """A key set that the root signed an hour before NOW; `claims` replaces members."""
    at = NOW - HOUR
    body = {
        "iss": "signet", "seq": sequence, "iat": at, "exp": at + 180 * DAY, "keys": [jwk(key) for key in keys],
        "revoked": [{"kid": jwk(key)["kid"], "at": at} for key in revoked], **claims,
    }
    return make_signed("keyset+jwt", body, seed, kid)


def make_list(sequence, revoked=(), seed=PINNED, kid=None, stream=None, **claims):
    """A list of revoked licenses, by their indices, signed an hour before NOW. `stream`: other bytes for `lst`."""
    bits = bytearray(max(revoked, default=0) // 8 + 1)
    for index in revoked:
        bits[index // 8] |= 1 << index % 8
    at = NOW - HOUR
    body = {
        "iss": "signet", "sub": "/api/v1/installer/revocations", "iat": at, "exp": at + 400 * DAY, "ttl": 43_200,
        "seq": sequence, "status_list": {"bits": 1, "lst": encode(stream or zlib.compress(bytes(bits)))}, "act": [],
        "lic": [], **claims,
    }
    return make_signed("statuslist+jwt", body, seed, kid)


def make_token(seed=PINNED, header=None, **claims):
    """A license token; `claims` replaces members, None included."""
    header = header or {"alg": "EdDSA", "typ": "lic+jwt", "kid": "kPrK_qmx"}
    at = claims.pop("at", NOW)
    body = {
        "iss": "signet", "sub": "lic_0Q5SZ3MHT8V1D", "aud": "whm-panel", "jti": "AAECAwQFBgcICQoLDA0ODw", "iat": at,
        "nbf": at, "exp": at + 14 * DAY, "lic_exp": None, "grace": 0, "plan": "professional", "max": 1, "used": 1,
        "feat": ["whm", "billing", "support"], "dom": "example.com", "ip": "192.0.2.10", "inst": None,
        "act": "act_0Z7K2N4P9R3TB", "ver": 1, "status": 0, "next": at + DAY, "st": at, "bind": ["dom"], **claims,
    }
    text = ".".join(encode(json.dumps(part).encode()) for part in (header, body))
    return f"{text}.{encode(sign(seed, text.encode()))}"


# MARK: The fake service

def valid(code="VALID", token=None, **claims):
    """Answers like the service does to a license in force."""

    def answer(request):
        echoed = {"nonce": request["nonce"]} if "nonce" in request else {}
        return 200, {
            "valid": True, "license_type": "professional", "expires_at": None, "max_activations": 1,
            "current_activations": 1, "features": ["whm", "billing", "support"], "code": code,
            "message": "The license is valid.",
            "license_id": "lic_0Q5SZ3MHT8V1D", "product": "whm-panel", "activation": None, "expires_at_time": None,
            "grace_until": None, "next_check_at": "2027-01-16T08:00:00Z", "server_time": "2027-01-15T08:00:00Z",
            "nonce": request.get("nonce"), "token": token or make_token(**{**echoed, **claims}),
            "stale": False, "warnings": [],
        }

    return answer


def naming(sequence, answer=None):
    """The same answers, with the number of the newest list of revoked licenses."""

    def named(request):
        status, body = (answer or valid())(request)
        return status, {**body, "revocations": {"sequence": sequence, "url": "/api/v1/installer/revocations"}}

    return named


def refusal(code, status=200):
    """Answers `valid: false`."""
    return lambda request: (status, {
        "valid": False, "license_type": None, "expires_at": None, "max_activations": None, "current_activations": 0,
        "features": [], "code": code, "message": f"Refused: {code}.", "license_id": None, "product": None,
        "activation": None, "expires_at_time": None, "grace_until": None, "next_check_at": "2027-01-16T08:00:00Z",
        "server_time": "2027-01-15T08:00:00Z", "nonce": request.get("nonce"), "token": None,
        "stale": False, "warnings": [],
    })


def raw(status, body, **headers):
    """Answers with these very bytes."""
    return lambda request: (status, body, headers)


class FakeService:
    """A service that answers by `self.answer(request)`: (status, JSON value or bytes[, headers]), and keeps `requests`.

    What is fetched, `keys` and `revocations`, is in `texts`: a text, (status, bytes), or a function of the handler; 404
    without one. `fetched` keeps the names. `hang()` and `drip()` never answer a request, until `close`.
    """

    def __init__(self, answer=None, context=None):
        self.answer = answer or valid()
        self.requests, self.texts, self.fetched = [], {}, []
        self.over = threading.Event()
        self.asked = threading.Event()
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                service.serve(self)

            def do_GET(self):
                service.serve_text(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def serve(self, handler):
        assert handler.path == "/api/v1/installer/validate", handler.path
        assert handler.headers["Content-Type"] == "application/json", handler.headers
        request = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.requests.append(request)
        self.asked.set()
        answer = self.answer(request)
        if answer is None:
            handler.close_connection = True
            return
        status, body, headers = (*answer, {})[:3]
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            handler.send_header(name, value)
        if "Transfer-Encoding" not in headers:
            handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def serve_text(self, handler):
        place, _, name = handler.path.rpartition("/")
        assert place == "/api/v1/installer", handler.path
        self.fetched.append(name)
        text = self.texts.get(name, (404, b"{}"))
        if callable(text):
            text(handler)
            return
        status, data = text if isinstance(text, tuple) else (200, text.encode())
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def hang(self):
        def answer(_):
            self.over.wait(20)

        self.answer = answer

    def drip(self):
        def answer(_):
            while not self.over.wait(0.1):
                pass

        self.answer = answer

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def dead_address():
    """The address of a port that was just closed: connections are refused."""
    service = FakeService()
    service.close()
    return service.url
