/**
 * Keeps one installation licensed and verifies its license token without a network (docs/token-format.md).
 * Node 20 or later, nothing else. README.md shows how to build it in.
 */

import { createHash, createPublicKey, randomBytes, randomInt, verify as verifySignature } from 'node:crypto';
import fs from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';

// The token

const BINDINGS = new Map([
    ['dom', ['domain', 'wrong_domain']],
    ['ip', ['address', 'wrong_address']],
    ['inst', ['installation_id', 'wrong_installation']],
]);

const isString = (value) => typeof value === 'string';
const isInteger = (value) => Number.isSafeInteger(value) && value >= 0;
const isStrings = (value) => Array.isArray(value) && value.every(isString);
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const orNull = (isType) => (value) => value === null || isType(value);
const CLAIMS = [
    [isString, 'iss', 'sub', 'aud', 'jti', 'plan'],
    [isInteger, 'iat', 'nbf', 'exp', 'grace', 'max', 'used', 'ver', 'status', 'next', 'st'],
    [orNull(isInteger), 'lic_exp'],
    [orNull(isString), 'dom', 'ip', 'inst', 'act'],
    [isStrings, 'feat', 'bind'],
];

/**
 * Returns the claims (an object), or the code of the refusal (a string).
 * `jwks`: the pinned key set, as JSON text. `installation`: { domain, address, installation_id }, canonical strings or
 * null. `product`, `issuer`: null to accept any. `now`: unix seconds. Throws if the key set is unusable.
 */
export function verify(token, jwks, installation, product, issuer, now) {
    const keys = readKeySet(jwks);
    const parts = token.length > 8192 ? [] : token.split('.');
    const [head, payload, signature] = parts.map(base64url);
    const header = head && attempt(() => readJSON(head));
    if (parts.length !== 3 || !payload || !signature || !isObject(header)) return 'malformed';
    if (header.alg !== 'EdDSA' && header.alg !== 'Ed25519') return 'unsupported_algorithm';
    if (header.typ !== 'lic+jwt') return 'wrong_type';
    if (Object.hasOwn(header, 'crit')) return 'unsupported_critical';
    const key = keys.get(header.kid);
    if (key === undefined) return 'unknown_key';
    if (!verifySignature(null, Buffer.from(`${parts[0]}.${parts[1]}`), key, signature)) return 'bad_signature';
    const claims = attempt(() => readJSON(payload));
    if (!isObject(claims) || !areClaims(claims)) return 'malformed_claims';
    if (issuer !== null && claims.iss !== issuer) return 'wrong_issuer';
    if (product !== null && claims.aud !== product) return 'wrong_product';
    if (now < claims.nbf - 300) return 'not_yet_valid';
    if (now >= claims.exp) return 'expired';
    for (const [claim, [name, refusal]] of BINDINGS) {
        if (claims.bind.includes(claim) && claims[claim] !== installation[name]) return refusal;
    }
    return claims;
}

/** Public keys by key id; keys that are not Ed25519 are left out. Throws if the set is unusable. */
export function readKeySet(jwks) {
    const set = readJSON(Buffer.from(jwks));
    if (!isObject(set) || !Array.isArray(set.keys)) throw new Error('the key set is not a JWKS');
    const keys = new Map();
    for (const key of set.keys) {
        if (!isObject(key)) throw new Error('the key set holds something that is not a key');
        if (key.kty !== 'OKP' || key.crv !== 'Ed25519') continue;
        const isKey = isString(key.x) && base64url(key.x)?.length === 32;
        if (!isKey || !isString(key.kid) || !key.kid || keys.has(key.kid)) {
            throw new Error('the key set holds a damaged or repeated Ed25519 key');
        }
        keys.set(key.kid, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key.x }, format: 'jwk' }));
    }
    return keys;
}

/**
 * The value of strict JSON: UTF-8, no name twice, at most 16 levels. Throws.
 * JSON.parse checks the grammar; here is what it lets pass. It also reads 1.0 as 1, so a number that is not written as
 * an integer is read as {}: no claim takes that.
 */
export function readJSON(bytes) {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    JSON.parse(text);
    const names = [];
    const integers = text.replace(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]|-?\d[\d.eE+-]*/g, (piece, string, isName) => {
        if (piece === '{' || piece === '[') {
            if (names.push(new Set()) > 16) throw new Error('more than 16 levels');
        } else if (piece === '}' || piece === ']') {
            names.pop();
        } else if (string !== undefined) {
            const name = JSON.parse(string);
            if (!name.isWellFormed()) throw new Error('half a surrogate pair');
            if (isName && names.at(-1).has(name)) throw new Error('a member name twice');
            if (isName) names.at(-1).add(name);
        } else if (!/^-?\d+$/.test(piece)) {
            return '{}';
        }
        return piece;
    });
    return JSON.parse(integers);
}

/** The bytes that unpadded Base64url spells, or undefined unless this is their one spelling. */
function base64url(text) {
    const bytes = Buffer.from(text, 'base64url');
    return text !== '' && bytes.toString('base64url') === text ? bytes : undefined;
}

function areClaims(claims) {
    const areTyped = CLAIMS.every(([isType, ...names]) =>
        names.every((name) => Object.hasOwn(claims, name) && isType(claims[name])));
    return areTyped
        && claims.bind.length > 0 && new Set(claims.bind).size === claims.bind.length
        && claims.bind.every((name) => BINDINGS.has(name) && claims[name])
        && (!Object.hasOwn(claims, 'nonce') || isString(claims.nonce));
}

/** What `work` returns, or undefined if it throws. */
function attempt(work) {
    try {
        return work();
    } catch {
        return undefined;
    }
}

// The installation

const TIMEOUT_MS = 2000; // for one check, over all servers
const PROVISIONAL_SECONDS = 72 * 3600;
const BACKOFF_MIN = 900;
const BACKOFF_MAX = 5 * 3600; // 6 h with the longest jitter
const CHECK_LATEST = 7 * 86400;
const CLOCK_TOLERANCE = 300;
const ANSWER_BYTES_MAX = 65536;
const LOCK_STALE_MS = 60_000;
const ENDING = ['REVOKED', 'SUSPENDED', 'EXPIRED', 'NOT_ACTIVATED'];

/** Asks the license service now and then, keeps the signed token, works from it in between. */
export class License {
    /**
     * `settings`: key, domain, product, issuer, jwks (JSON text), servers (base addresses), state (a directory of this
     * installation), and if used address, installation_id. All are stored at installation: nothing is ever taken from
     * a visitor's request. `clock`: unix seconds; for tests.
     */
    constructor(settings, clock = () => Math.floor(Date.now() / 1000)) {
        this.key = settings.key.trim();
        this.jwks = settings.jwks;
        this.product = settings.product ?? null;
        this.issuer = settings.issuer ?? null;
        this.servers = settings.servers;
        this.directory = settings.state;
        this.installation = {
            domain: canonicalDomain(settings.domain ?? ''),
            address: canonicalAddress(settings.address ?? ''),
            installation_id: settings.installation_id ?? null,
        };
        const subject = [this.key, this.product, this.installation.domain, this.installation.installation_id];
        this.identity = createHash('sha256').update(JSON.stringify(subject)).digest('hex');
        this.clock = clock;
    }

    /** Whether the software may run in full. No network. */
    isLicensed() {
        return this.status().usable;
    }

    /**
     * What is known, without a network. `state`: 'licensed', 'outage' (licensed, but the service could not be asked),
     * 'provisional' (first 72 hours), 'unverifiable' (this machine cannot check, which says nothing about the license),
     * 'ended' (by the service), 'unlicensed'. `usable`: boolean. `code`: the verdict, refusal or problem.
     */
    status() {
        const state = this.#readState();
        const now = this.clock();
        const at = Math.max(now, state.highest_seen);
        const status = {
            state: 'unlicensed', usable: false, code: null, message: '', plan: null, features: [],
            token_expires: null, license_expires: null, next_check: state.next_attempt, warnings: [],
        };
        if (now < state.highest_seen - CLOCK_TOLERANCE) status.warnings.push('clock_set_back');
        if (state.corrupt) status.warnings.push('state_unreadable');
        if (!this.#isWritable()) status.warnings.push('state_not_writable');
        if (state.error) status.warnings.push(state.error);
        if (state.ended) return { ...status, state: 'ended', code: state.ended, message: state.message };
        const problem = this.#problem();
        if (problem) {
            const usable = at < (state.unverifiable_since || at) + PROVISIONAL_SECONDS;
            return { ...status, state: 'unverifiable', usable, code: problem[0], message: problem[1] };
        }
        const claims = this.#held(at);
        if (isObject(claims)) {
            return {
                ...status, state: state.error ? 'outage' : 'licensed', usable: true,
                code: state.refused || state.verdict || null, message: state.message,
                plan: claims.plan, features: claims.feat,
                token_expires: claims.exp, license_expires: claims.lic_exp,
            };
        }
        const since = state.provisional_since;
        if (since && !state.refused && at < since + PROVISIONAL_SECONDS) {
            return { ...status, state: 'provisional', usable: true, code: 'provisional' };
        }
        const code = state.refused || claims || (since ? 'provisional_over' : 'not_checked');
        return { ...status, code, message: state.refused ? state.message : '' };
    }

    /**
     * Asks the service if a check is due or forced. For a timer, never for a page: it takes up to 2 s. Resolves to
     * 'updated', 'kept' (the stored token ends later), 'ended', 'refused', 'failed', 'not_due', 'not_recorded' (the
     * state directory cannot be written) or 'unverifiable'.
     */
    async refreshIfDue({ force = false } = {}) {
        const now = this.clock();
        try {
            const { decision, nonce } = await this.#locked(() => this.#recordAttempt(now, force));
            if (decision !== 'due') return decision;
            const answer = await this.#ask(nonce).catch((failure) => failure.message);
            return await this.#locked(() => this.#learn(answer, nonce, now));
        } catch {
            return 'not_recorded';
        }
    }

    /** Writes the attempt down before it is made, as one that fails. */
    #recordAttempt(now, force) {
        const state = this.#readState();
        if (this.#problem()) {
            this.#writeState({ ...state, unverifiable_since: state.unverifiable_since || now });
            return { decision: 'unverifiable' };
        }
        const hasToken = isObject(this.#held(now));
        const isLost = !hasToken && state.failures === 0; // the token was there and is not: do not wait
        const waits = now < state.next_attempt && state.next_attempt <= now + CHECK_LATEST;
        if (waits && !isLost && !force) return { decision: 'not_due' };
        // A nonce makes the service sign afresh; without one it may hand out a token it has.
        const isSetBack = now < state.highest_seen - CLOCK_TOLERANCE;
        const nonce = force || isSetBack || !hasToken ? randomBytes(16).toString('base64url') : null;
        if (!state.provisional_since && isWellFormed(this.key)) state.provisional_since = now;
        state.failures += 1;
        state.next_attempt = now + backoff(state.failures);
        state.highest_seen = Math.max(state.highest_seen, now);
        state.unverifiable_since = 0;
        this.#writeState(state);
        return { decision: 'due', nonce };
    }

    /**
     * Applies an answer (or the text of a failure). Only a 200 answer that says valid:false with one of ENDING ends a
     * token; whatever else comes leaves it working until it expires.
     */
    #learn(answer, nonce, now) {
        const state = this.#readState();
        const held = this.#held(Math.max(now, state.highest_seen));
        if (isString(answer)) return this.#writeState({ ...state, error: answer }, 'failed');
        state.message = isString(answer.message) ? answer.message.slice(0, 500) : '';
        if (!answer.valid) {
            if (!ENDING.includes(answer.code)) {
                return this.#writeState({ ...state, error: '', refused: answer.code }, 'refused');
            }
            this.#writeState({ ...state, error: '', ended: answer.code });
            fs.rmSync(path.join(this.directory, 'token'), { force: true });
            return 'ended';
        }
        const token = isString(answer.token) ? answer.token : '';
        const claims = verify(token, this.jwks, this.installation, this.product, this.issuer, now);
        if (isString(claims) || (nonce && claims.nonce !== nonce)) {
            const reason = isString(claims) ? claims : 'another nonce';
            return this.#writeState({ ...state, error: `the answer holds no token for us: ${reason}` }, 'failed');
        }
        const replace = isString(held) || claims.exp >= held.exp || claims.ver !== held.ver
            || answer.code !== state.verdict;
        if (replace) this.#write('token', token);
        return this.#writeState({
            ...state, failures: 0, refused: '', ended: '', error: '', verdict: answer.code,
            next_attempt: Math.max(now + BACKOFF_MIN, Math.min(claims.next, now + CHECK_LATEST)),
            // A fresh signature over our nonce also says what time it is: it may correct a clock that ran ahead.
            highest_seen: nonce ? now : Math.max(state.highest_seen, now),
        }, replace ? 'updated' : 'kept');
    }

    /** The first readable 200 answer of the servers, all within TIMEOUT_MS. Rejects if there is none. */
    async #ask(nonce) {
        const request = {
            license_key: this.key, domain: this.installation.domain, ip_address: this.installation.address,
            product: this.product, installation_id: this.installation.installation_id, nonce,
        };
        const body = JSON.stringify(request, (_, value) => value ?? undefined);
        const until = performance.now() + TIMEOUT_MS;
        let error = 'no server is set';
        for (const [index, server] of this.servers.entries()) {
            try {
                const share = (until - performance.now()) / (this.servers.length - index);
                const url = `${server.replace(/\/+$/, '')}/api/v1/installer/validate`;
                const answer = readJSON(await post(url, body, share));
                if (isObject(answer) && typeof answer.valid === 'boolean' && isString(answer.code)) return answer;
                error = 'the answer is not readable';
            } catch (failure) {
                error = `${server}: ${failure.cause?.message || failure.message}`;
            }
        }
        throw new Error(error);
    }

    // What is stored

    /** Code and message of what keeps this machine from verifying anything, or null. */
    #problem() {
        if (this.installation.domain === null && this.installation.installation_id === null) {
            return ['domain_missing', 'The stored domain of this installation is not a host name.'];
        }
        try {
            readKeySet(this.jwks);
        } catch (failure) {
            return ['key_set_unusable', failure.message];
        }
        return null;
    }

    /** The claims of the stored token if it holds, its refusal code, or '' if there is none. */
    #held(now) {
        const token = attempt(() => this.#read('token').toString().trim());
        return token === undefined ? '' : verify(token, this.jwks, this.installation, this.product, this.issuer, now);
    }

    /** What is remembered between checks; for another key or domain nothing but the two first members. */
    #readState() {
        const kept = { provisional_since: 0, highest_seen: 0 };
        const fresh = {
            ...kept, unverifiable_since: 0, failures: 0, next_attempt: 0, refused: '', ended: '', verdict: '',
            error: '', message: '', for: this.identity,
        };
        if (!fs.existsSync(path.join(this.directory, 'state.json'))) return { ...fresh, corrupt: false };
        const stored = attempt(() => readJSON(this.#read('state.json')));
        const state = { ...fresh };
        for (const name of Object.keys(fresh)) {
            if (stored && Object.hasOwn(stored, name)) state[name] = stored[name];
            if (!isObject(stored) || typeof state[name] !== typeof fresh[name]) return { ...fresh, corrupt: true };
        }
        if (state.for === this.identity) return { ...state, corrupt: false };
        const { provisional_since, highest_seen } = state;
        return { ...fresh, provisional_since, highest_seen, corrupt: false };
    }

    #writeState({ corrupt, ...state }, outcome) {
        this.#write('state.json', JSON.stringify(state));
        return outcome;
    }

    /**
     * Runs `work`, which takes milliseconds and never waits, while no other process does. Node has no flock: the lock
     * is a file that only one can create. One left behind by a crash is taken away after a minute; should two
     * processes do that in the same instant, two checks are made instead of one.
     */
    async #locked(work) {
        fs.mkdirSync(this.directory, { recursive: true, mode: 0o700 });
        const lock = path.join(this.directory, 'lock');
        const until = performance.now() + 5000;
        for (;;) {
            try {
                fs.closeSync(fs.openSync(lock, 'wx', 0o600));
                break;
            } catch (failure) {
                if (failure.code !== 'EEXIST' || performance.now() > until) throw failure;
            }
            const age = Date.now() - (attempt(() => fs.statSync(lock).mtimeMs) ?? Date.now());
            if (age > LOCK_STALE_MS) fs.rmSync(lock, { force: true });
            await new Promise((resume) => setTimeout(resume, 5));
        }
        try {
            return work();
        } finally {
            fs.rmSync(lock, { force: true });
        }
    }

    #isWritable() {
        const place = fs.existsSync(this.directory) ? this.directory : path.dirname(this.directory);
        return attempt(() => fs.accessSync(place, fs.constants.W_OK) ?? true) ?? false;
    }

    #read(name) {
        return fs.readFileSync(path.join(this.directory, name)).subarray(0, ANSWER_BYTES_MAX);
    }

    /** Replaces a file whole or not at all. */
    #write(name, text) {
        const file = path.join(this.directory, name);
        fs.writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
        fs.renameSync(`${file}.new`, file);
    }
}

/** The body of a 200 answer, all within `ms`. Rejects. */
async function post(url, body, ms) {
    const signal = AbortSignal.timeout(Math.max(1, Math.floor(ms)));
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' });
    if (response.status !== 200) {
        await response.body?.cancel();
        throw new Error(`HTTP ${response.status}`);
    }
    const chunks = [];
    let size = 0;
    for await (const chunk of response.body) {
        chunks.push(chunk);
        size += chunk.length;
        if (size > ANSWER_BYTES_MAX) throw new Error('the answer is too long');
    }
    return Buffer.concat(chunks);
}

/** Seconds until the next try: 15 minutes, doubled by each failure, up to 6 hours; a fifth of it is chance. */
function backoff(failures) {
    const base = Math.min(BACKOFF_MIN * 2 ** Math.min(failures - 1, 10), BACKOFF_MAX);
    return base + randomInt(Math.floor(base / 5) + 1);
}

// What people type

/** Whether a license key can be one: 15 symbols and the check symbol that belongs to them. */
export function isWellFormed(key) {
    const typed = key.replace(/[\s\p{Z}\p{Pd}\u2212]+/gu, '');
    if (!/^[0-9A-Za-z]{16}$/.test(typed)) return false;
    const symbols = typed.toUpperCase().replaceAll('O', '0').replace(/[IL]/g, '1');
    let sum = 0; // in GF(32) modulo x^5 + x^2 + 1: symbol i counts x^i times
    for (const symbol of [...symbols].reverse()) {
        const value = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'.indexOf(symbol);
        if (value < 0) return false;
        sum <<= 1;
        sum ^= (sum & 32 ? 0b100101 : 0) ^ value;
    }
    return sum === 0;
}

/** The canonical form of a domain (or of an address, for an installation without a name), or null if it is none. */
export function canonicalDomain(text) {
    const trimmed = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
    let host = trimmed.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '').replace(/^[^/?#]*@|[/?#].*$/gs, '').replace(/:\d*$/, '');
    const address = canonicalAddress(trimmed) ?? canonicalAddress(host);
    if (address !== null) return address;
    if (/[^\0-\x7f]/.test(host)) host = attempt(() => new URL(`http://${host}`).hostname) ?? ''; // UTS-46
    host = host.toLowerCase().replace(/\.$/, '').replace(/^www\.(?!www\.[^.]+\.)(?=[^.]+\.)/, '');
    const labels = host.split('.');
    const isName = labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
    return isName && host.length <= 253 && !/^\d+$/.test(labels.at(-1)) ? host : null;
}

/** The canonical text (RFC 5952) of an address, or null if it is none. */
export function canonicalAddress(text) {
    const address = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '').replace(/^\[(.*:.*)\]$/, '$1');
    if (isIP(address) !== 6) return isIP(address) === 4 ? address : null;
    const short = attempt(() => new URL(`http://[${address}]`).hostname.slice(1, -1)) ?? null; // refuses a zone
    const mapped = short?.match(/^::ffff:([0-9a-f]+):([0-9a-f]+)$/);
    const octets = mapped?.slice(1).map((group) => parseInt(group, 16)).flatMap((group) => [group >> 8, group & 255]);
    return octets?.join('.') ?? short;
}
