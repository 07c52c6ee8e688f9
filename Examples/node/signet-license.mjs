/**
 * Keeps one installation licensed: asks the license service now and then, works from the signed token in between.
 * Node 20 or later and `signet-token.mjs` beside it, nothing else. README.md shows how to build it in.
 */

import { createHash, randomBytes, randomInt } from 'node:crypto';
import fs from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import {
    CLOCK_TOLERANCE, KEY_SET_BYTES_MAX, REVOCATIONS_BYTES_MAX, acceptKeySet, attempt, isObject, isString, readJSON,
    readKeySet, readRevocations, readRoot, restoreKeySet, verify,
} from './signet-token.mjs';

// The installation

const TIMEOUT_MS = 2000; // for one check, over all servers, a key set and a list of revoked licenses included
const PROVISIONAL_SECONDS = 72 * 3600;
const BACKOFF_MIN = 900;
const BACKOFF_MAX = 5 * 3600; // 6 h with the longest jitter
const CHECK_LATEST = 7 * 86400;
const KEY_SET_SECONDS = 86400; // between two looks for a newer key set
const KEY_SET_SECONDS_MIN = 900; // the same when a token names a key that is not known
const ANSWER_BYTES_MAX = 65536;
const LOCK_STALE_MS = 60_000;
const ENDING = ['REVOKED', 'SUSPENDED', 'EXPIRED', 'NOT_ACTIVATED'];

/** Asks the license service now and then, keeps the signed token, works from it in between. */
export class License {
    /**
     * `settings`: key, domain, product, issuer, jwks and root (JSON text; one may be left out), servers (base
     * addresses), state (a directory of this installation), and if used address, installation_id. All are stored at
     * installation: nothing is ever taken from a visitor's request. `clock`: unix seconds; for tests.
     */
    constructor(settings, clock = () => Math.floor(Date.now() / 1000)) {
        this.key = settings.key.trim();
        this.root = settings.root ?? null;
        this.jwks = settings.jwks ?? (this.root === null ? '' : '{"keys":[]}');
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
     * 'ended' (by the service), 'unlicensed'. `usable`: boolean. `code`: the verdict, refusal or problem. `key_set`,
     * `revocations`: number of the signed key set and of the list of revoked licenses that are held, 0 for none.
     */
    status() {
        const state = this.#readState();
        const now = this.clock();
        const at = Math.max(now, state.highest_seen);
        const status = {
            state: 'unlicensed', usable: false, code: null, message: '', plan: null, features: [],
            token_expires: null, license_expires: null, next_check: state.next_attempt,
            key_set: 0, revocations: 0, warnings: [],
        };
        if (now < state.highest_seen - CLOCK_TOLERANCE) status.warnings.push('clock_set_back');
        if (state.corrupt) status.warnings.push('state_unreadable');
        if (!this.#isWritable()) status.warnings.push('state_not_writable');
        status.warnings.push(...[state.error, state.notice].filter(Boolean));
        if (state.ended) return { ...status, state: 'ended', code: state.ended, message: state.message };
        const problem = this.#problem();
        if (problem) {
            const usable = at < (state.unverifiable_since || at) + PROVISIONAL_SECONDS;
            return { ...status, state: 'unverifiable', usable, code: problem[0], message: problem[1] };
        }
        const trust = this.#trust();
        status.key_set = trust.keySet?.seq ?? 0;
        status.revocations = trust.revocations?.seq ?? 0;
        const claims = this.#held(at, trust);
        if (isObject(claims)) {
            return {
                ...status, state: state.error ? 'outage' : 'licensed', usable: true,
                code: state.refused || state.verdict || null, message: state.message,
                plan: claims.plan, features: claims.feat,
                token_expires: claims.exp, license_expires: claims.lic_exp,
            };
        }
        if (claims === 'revoked') {
            return { ...status, state: 'ended', code: claims, message: 'The vendor revoked this license.' };
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
            const decision = await this.#locked(() => this.#recordAttempt(now, force));
            if (decision !== 'due') return decision;
            const nonce = randomBytes(16).toString('base64url'); // nobody can have this answer already
            const { answer, notice } = await this.#consult(nonce, now);
            return await this.#locked(() => this.#learn(answer, nonce, notice, now));
        } catch {
            return 'not_recorded';
        }
    }

    /** Writes the attempt down before it is made, as one that fails. Returns 'due' or why it is not made. */
    #recordAttempt(now, force) {
        const state = this.#readState();
        if (this.#problem()) {
            return this.#writeState({ ...state, unverifiable_since: state.unverifiable_since || now }, 'unverifiable');
        }
        const hasToken = isObject(this.#held(now, this.#trust()));
        const isLost = !hasToken && state.failures === 0; // the token was there and is not: do not wait
        const waits = now < state.next_attempt && state.next_attempt <= now + CHECK_LATEST;
        if (waits && !isLost && !force) return 'not_due';
        if (!state.provisional_since && isWellFormed(this.key)) state.provisional_since = now;
        state.failures += 1;
        state.next_attempt = now + backoff(state.failures);
        state.highest_seen = Math.max(state.highest_seen, now);
        state.unverifiable_since = 0;
        return this.#writeState(state, 'due');
    }

    /**
     * Applies an answer (or the text of a failure). Only a 200 answer that says valid:false with one of ENDING ends a
     * token; whatever else comes leaves it working until it expires. `notice`: what else went wrong.
     */
    #learn(answer, nonce, notice, now) {
        const state = this.#readState();
        const trust = this.#trust();
        const held = this.#held(now, trust);
        if (isString(answer)) return this.#writeState({ ...state, error: answer }, 'failed');
        state.message = isString(answer.message) ? answer.message.slice(0, 500) : '';
        state.notice = notice;
        if (!answer.valid) {
            if (!ENDING.includes(answer.code)) {
                return this.#writeState({ ...state, error: '', refused: answer.code }, 'refused');
            }
            this.#writeState({ ...state, error: '', ended: answer.code });
            fs.rmSync(path.join(this.directory, 'token'), { force: true });
            return 'ended';
        }
        const token = isString(answer.token) ? answer.token : '';
        const claims = this.#verify(token, now, trust);
        const reason = isString(claims) ? claims : this.#stranger(claims, nonce);
        if (reason) {
            return this.#writeState({ ...state, error: `the answer holds no token for us: ${reason}` }, 'failed');
        }
        const replace = isString(held) || claims.exp >= held.exp || claims.ver !== held.ver
            || answer.code !== state.verdict;
        if (replace) this.#write('token', token);
        return this.#writeState({
            ...state, failures: 0, refused: '', ended: '', error: '', verdict: answer.code,
            next_attempt: Math.max(now + BACKOFF_MIN, Math.min(claims.next, now + CHECK_LATEST)),
            // A fresh signature over our nonce also says what time it is: it may correct a clock that ran ahead.
            highest_seen: now,
        }, replace ? 'updated' : 'kept');
    }

    /** What tells that a good token is not the answer to this question, or null. */
    #stranger(claims, nonce) {
        if (claims.nonce !== nonce) return 'another nonce';
        return claims.dom === (this.installation.domain ?? claims.dom) ? null : 'another domain';
    }

    // What is trusted

    /**
     * The claims of a token (an object), or the code of the refusal or of what keeps this machine from verifying: by
     * the keys and the list that are held.
     */
    verify(token) {
        return this.#problem()?.[0] ?? this.#verify(token, this.clock(), this.#trust());
    }

    /**
     * Takes in a key set that the vendor's root signed: from the server, or carried here as a file. Resolves to
     * 'updated', 'kept' (it is held already), 'no_root', 'not_recorded', the code of the refusal, or what keeps this
     * machine from verifying.
     */
    takeKeySet(document) {
        return this.#take('keys', document, ({ keySet }) => {
            if (this.root === null) return 'no_root';
            const taken = acceptKeySet(document, readRoot(this.root), keySet, this.issuer, this.clock());
            if (isString(taken)) return taken;
            return keySet?.document === document ? 'kept' : 'updated';
        });
    }

    /**
     * Takes in a list of revoked licenses if it is newer than the one held, which an old list must not undo. Resolves
     * as `takeKeySet`; to 'kept' for a list of the same number, 'outdated' for one before it.
     */
    takeRevocations(text) {
        return this.#take('revocations', text, ({ keys, revocations }) => {
            const taken = readRevocations(text, keys, this.issuer, this.clock());
            if (isString(taken)) return taken;
            if (revocations === null || taken.seq > revocations.seq) return 'updated';
            return taken.seq === revocations.seq ? 'kept' : 'outdated';
        });
    }

    /** Stores a text if `judge` says 'updated' to it. Resolves to what it says. */
    async #take(name, text, judge) {
        const problem = this.#problem();
        if (problem) return problem[0];
        try {
            return await this.#locked(() => {
                const outcome = judge(this.#trust());
                if (outcome === 'updated') this.#write(name, text);
                return outcome;
            });
        } catch {
            return 'not_recorded';
        }
    }

    /**
     * The keys and the list that count now. A stored file that is damaged, or that another root or a key since revoked
     * signed, counts as none. `keySet` is null while the pins hold.
     */
    #trust() {
        const document = this.root === null ? '' : this.#readText('keys', KEY_SET_BYTES_MAX);
        const held = document ? restoreKeySet(document, readRoot(this.root)) : null;
        const keySet = isObject(held) ? held : null;
        const keys = keySet?.keys ?? readKeySet(this.jwks);
        const text = this.#readText('revocations', REVOCATIONS_BYTES_MAX);
        const list = text ? readRevocations(text, keys, this.issuer) : null;
        return { keySet, keys, revocations: isObject(list) ? list : null };
    }

    #verify(token, now, { keys, revocations }) {
        return verify(token, keys, this.installation, this.product, this.issuer, now, revocations);
    }

    /** The claims of the stored token if it holds, its refusal code, or '' if there is none. */
    #held(now, trust) {
        const token = this.#readText('token', ANSWER_BYTES_MAX);
        return token === undefined ? '' : this.#verify(token.trim(), now, trust);
    }

    // The network

    /**
     * Asks the service and, after an answer, for a newer key set and list of revoked licenses, all within TIMEOUT_MS.
     * `answer` is the text of a failure if there is none; `notice` says what else went wrong.
     */
    async #consult(nonce, now) {
        const until = performance.now() + TIMEOUT_MS;
        let server, answer;
        try {
            ({ server, answer } = await this.#ask(nonce, until));
        } catch (failure) {
            return { answer: failure.message, notice: '' };
        }
        const notices = [];
        if (await this.#keySetIsDue(isString(answer.token) ? answer.token : '', now)) {
            notices.push(await this.#fetch(server, 'keys', KEY_SET_BYTES_MAX, (text) => this.takeKeySet(text), until));
        }
        const newest = answer.revocations?.sequence;
        if (Number.isSafeInteger(newest) && newest > (this.#trust().revocations?.seq ?? 0)) {
            const take = (text) => this.takeRevocations(text);
            notices.push(await this.#fetch(server, 'revocations', REVOCATIONS_BYTES_MAX, take, until));
        }
        return { answer, notice: notices.filter(Boolean).join('; ') };
    }

    /** The first server with a readable 200 answer to this very question, and the answer. Rejects if there is none. */
    async #ask(nonce, until) {
        const request = {
            license_key: this.key, domain: this.installation.domain, ip_address: this.installation.address,
            product: this.product, installation_id: this.installation.installation_id, nonce,
        };
        const body = JSON.stringify(request, (_, value) => value ?? undefined);
        let error = 'no server is set';
        for (const [index, server] of this.servers.entries()) {
            try {
                const share = (until - performance.now()) / (this.servers.length - index);
                const url = `${server.replace(/\/+$/, '')}/api/v1/installer/validate`;
                const { status, data } = await http('POST', url, body, share, ANSWER_BYTES_MAX);
                if (status !== 200) throw new Error(`HTTP ${status}`);
                const answer = readJSON(data);
                if (!isObject(answer) || typeof answer.valid !== 'boolean' || !isString(answer.code)) {
                    throw new Error('the answer is not readable');
                }
                if (answer.nonce !== nonce) throw new Error('this is the answer to another question');
                return { server, answer };
            } catch (failure) {
                error = `${server}: ${failure.cause?.message || failure.message}`;
            }
        }
        throw new Error(error);
    }

    /**
     * Whether to ask for a newer key set; written down before it is done. Once a day, and when a token names a key that
     * is not known: perhaps it is new.
     */
    #keySetIsDue(token, now) {
        if (this.root === null) return false;
        return this.#locked(() => {
            const state = this.#readState();
            const isUnknown = this.#verify(token, now, this.#trust()) === 'unknown_key';
            const since = now - state.keys_asked;
            if (since >= 0 && since < (isUnknown ? KEY_SET_SECONDS_MIN : KEY_SET_SECONDS)) return false;
            return this.#writeState({ ...state, keys_asked: now }, true);
        });
    }

    /** Fetches a signed text and takes it in. Resolves to what went wrong, for people, or '': nothing depends on it. */
    async #fetch(server, name, bytesMax, take, until) {
        let outcome;
        try {
            const url = `${server.replace(/\/+$/, '')}/api/v1/installer/${name}`;
            const { status, data } = await http('GET', url, undefined, until - performance.now(), bytesMax);
            if (status === 404 && name === 'keys') return ''; // the vendor has signed none: the pins hold
            outcome = status === 200 ? await take(data.toString('latin1')) : `HTTP ${status}`;
        } catch (failure) {
            outcome = failure.cause?.message || failure.message;
        }
        return outcome === 'updated' || outcome === 'kept' ? '' : `${name}: ${outcome}`;
    }

    // What is stored

    /** Code and message of what keeps this machine from verifying anything, or null. */
    #problem() {
        if (this.installation.domain === null && this.installation.installation_id === null) {
            return ['domain_missing', 'The stored domain of this installation is not a host name.'];
        }
        try {
            readKeySet(this.jwks);
            if (this.root !== null) readRoot(this.root);
        } catch (failure) {
            return ['key_set_unusable', failure.message];
        }
        return null;
    }

    /** What is remembered between checks; for another key or domain nothing but the two first members. */
    #readState() {
        const kept = { provisional_since: 0, highest_seen: 0 };
        const fresh = {
            ...kept, unverifiable_since: 0, failures: 0, next_attempt: 0, refused: '', ended: '', verdict: '',
            error: '', message: '', notice: '', keys_asked: 0, for: this.identity,
        };
        if (!fs.existsSync(path.join(this.directory, 'state.json'))) return { ...fresh, corrupt: false };
        const stored = attempt(() => readJSON(this.#read('state.json', ANSWER_BYTES_MAX)));
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

    #read(name, bytesMax) {
        return fs.readFileSync(path.join(this.directory, name)).subarray(0, bytesMax);
    }

    /** A stored text, or undefined if there is none. */
    #readText(name, bytesMax) {
        return attempt(() => this.#read(name, bytesMax).toString('latin1'));
    }

    /** Replaces a file whole or not at all. */
    #write(name, text) {
        const file = path.join(this.directory, name);
        fs.writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
        fs.renameSync(`${file}.new`, file);
    }
}

/** Status and body of an answer, all within `ms`. Rejects. */
async function http(method, url, body, ms, bytesMax) {
    if (ms <= 0) throw new Error('no answer in time');
    const signal = AbortSignal.timeout(Math.max(1, Math.floor(ms)));
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const response = await fetch(url, { method, headers, body, signal, redirect: 'manual' });
    if (response.status !== 200) {
        await response.body?.cancel();
        return { status: response.status, data: Buffer.alloc(0) };
    }
    const chunks = [];
    let size = 0;
    for await (const chunk of response.body) {
        chunks.push(chunk);
        size += chunk.length;
        if (size > bytesMax) throw new Error('the answer is too long');
    }
    return { status: 200, data: Buffer.concat(chunks) };
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
