/**
 * Verifies license tokens, signed key sets and lists of revoked licenses without a network (docs/token-format.md).
 * Node 20 or later, nothing else. Every function is told the time and touches nothing.
 */

import { createPublicKey, verify as verifySignature } from 'node:crypto';
import { inflateSync } from 'node:zlib';

const TOKEN_BYTES_MAX = 8192;
export const KEY_SET_BYTES_MAX = 65_536;
const REVOKED_KEYS_MAX = 256;
export const REVOCATIONS_BYTES_MAX = 4_194_304;
const REVOCATION_BITS_BYTES_MAX = 2_097_152; // decompressed, whatever the stream would grow to
const REVOCATION_NAMES_MAX = 100_000;
export const CLOCK_TOLERANCE = 300;
const BINDINGS = new Map([
    ['dom', ['domain', 'wrong_domain']],
    ['ip', ['address', 'wrong_address']],
    ['inst', ['installation_id', 'wrong_installation']],
]);

// The three signed texts

/**
 * Returns the claims of a license token (an object), or the code of the refusal (a string).
 * `keys`: of `readKeySet` or of an accepted key set. `installation`: { domain, address, installation_id }, canonical
 * strings or null. `product`, `issuer`: null to accept any. `now`: unix seconds. `revocations`: the list that is held,
 * see `readRevocations`, or null.
 */
export function verify(token, keys, installation, product, issuer, now, revocations = null) {
    const claims = open(token, TOKEN_BYTES_MAX, 'lic+jwt', keys);
    if (isString(claims)) return claims;
    if (!areClaims(claims)) return 'malformed_claims';
    if (issuer !== null && claims.iss !== issuer) return 'wrong_issuer';
    if (product !== null && claims.aud !== product) return 'wrong_product';
    if (now < claims.nbf - CLOCK_TOLERANCE) return 'not_yet_valid';
    if (now >= claims.exp) return 'expired';
    for (const [claim, [name, refusal]] of BINDINGS) {
        if (claims.bind.includes(claim) && claims[claim] !== installation[name]) return refusal;
    }
    return revocations !== null && isRevoked(claims, revocations) ? 'revoked' : claims;
}

/**
 * A key set that just arrived (as `restoreKeySet`), or the code of the refusal. `held`: the one accepted before, or
 * null: an older one, or another one of the same number, is refused.
 */
export function acceptKeySet(document, root, held, issuer, now) {
    const arrived = restoreKeySet(document, root);
    if (isString(arrived)) return arrived;
    const refusal = newsRefusal(arrived, issuer, now);
    if (refusal !== null) return refusal;
    return held !== null && document !== held.document && arrived.seq <= held.seq ? 'outdated' : arrived;
}

/**
 * A key set that was accepted before ({ seq, keys for `verify`, document }), or the code of the refusal. `root`: of
 * `readRoot`. Its end does not matter: a vendor's silence makes no license invalid.
 */
export function restoreKeySet(document, root) {
    const claims = open(document, KEY_SET_BYTES_MAX, 'keyset+jwt', root);
    if (isString(claims)) return claims;
    if (!have(claims, KEY_SET_CLAIMS) || claims.seq < 1 || claims.revoked.length > REVOKED_KEYS_MAX) {
        return 'malformed_claims';
    }
    const keys = attempt(() => keysOf(claims.keys));
    if (!keys?.size) return 'malformed_claims';
    for (const { kid } of claims.revoked) {
        if (keys.has(kid)) return 'malformed_claims';
        keys.set(kid, null);
    }
    return { ...claims, keys, document };
}

/**
 * The list of revoked licenses ({ iss, seq, bits, act, lic }), or the code of the refusal. `now`: for a list that just
 * arrived; null for one that is held, which keeps counting after its end.
 */
export function readRevocations(text, keys, issuer, now = null) {
    const opened = open(text, REVOCATIONS_BYTES_MAX, 'statuslist+jwt', keys);
    if (isString(opened)) return opened;
    const claims = { act: [], lic: [], ...opened };
    if (!have(claims, REVOCATION_CLAIMS) || Math.max(claims.act.length, claims.lic.length) > REVOCATION_NAMES_MAX) {
        return 'malformed_claims';
    }
    const bits = statusBits(claims.status_list);
    if (bits === undefined) return 'malformed_claims';
    return newsRefusal(claims, issuer, now) ?? { ...claims, bits, act: new Set(claims.act), lic: new Set(claims.lic) };
}

/** The claims of a signed text whose type is `kind` (an object), or the code of the refusal (a string). */
function open(text, bytesMax, kind, keys) {
    const parts = text.length > bytesMax ? [] : text.split('.');
    const [head, payload, signature] = parts.map(base64url);
    const header = head && attempt(() => readJSON(head));
    if (parts.length !== 3 || !payload || !signature || !isObject(header)) return 'malformed';
    if (header.alg !== 'EdDSA' && header.alg !== 'Ed25519') return 'unsupported_algorithm';
    if (header.typ !== kind) return 'wrong_type';
    if (Object.hasOwn(header, 'crit')) return 'unsupported_critical';
    const key = keys.get(header.kid);
    if (key === undefined) return 'unknown_key';
    if (key === null) return 'revoked_key';
    if (!verifySignature(null, Buffer.from(`${parts[0]}.${parts[1]}`), key, signature)) return 'bad_signature';
    const claims = attempt(() => readJSON(payload));
    return isObject(claims) ? claims : 'malformed_claims';
}

/** Why a key set or list is not taken in as news, or null. */
function newsRefusal(claims, issuer, now) {
    if (issuer !== null && claims.iss !== issuer) return 'wrong_issuer';
    if (now !== null && now < claims.iat - CLOCK_TOLERANCE) return 'not_yet_valid';
    return now !== null && now >= claims.exp ? 'expired' : null;
}

function isRevoked(claims, revocations) {
    if (revocations.iss !== claims.iss) return false; // it says nothing about another issuer's licenses
    const byte = revocations.bits[Math.floor(claims.status / 8)] ?? 0; // beyond the end: newer than the list
    return (byte >> claims.status % 8 & 1) === 1 || revocations.act.has(claims.act);
}

/** One bit for each license, least significant first, or undefined. */
function statusBits({ bits, lst }) {
    const stream = bits === 1 && isString(lst) ? base64url(lst) : undefined;
    if (stream === undefined) return undefined;
    const inflated = attempt(() => inflateSync(stream, { maxOutputLength: REVOCATION_BITS_BYTES_MAX, info: true }));
    return inflated?.engine.bytesWritten === stream.length ? inflated.buffer : undefined; // nothing after it
}

// Keys

/**
 * Public keys by key id; keys that are not Ed25519 are left out. Throws if the set is unusable. In the keys of a signed
 * key set, a revoked key id has null in place of its key.
 */
export function readKeySet(jwks) {
    const set = readJSON(Buffer.from(jwks));
    if (!isObject(set) || !Array.isArray(set.keys)) throw new Error('the key set is not a JWKS');
    return keysOf(set.keys);
}

/** The pinned root as keys for `acceptKeySet`. Throws if it is not one Ed25519 key. */
export function readRoot(jwk) {
    const root = keysOf([readJSON(Buffer.from(jwk))]);
    if (root.size === 0) throw new Error('the root is no Ed25519 key');
    return root;
}

function keysOf(entries) {
    const keys = new Map();
    for (const key of entries) {
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

// Spelling

/**
 * The value of strict JSON: UTF-8, no name twice, at most 16 levels. Throws.
 * JSON.parse checks the grammar; here is what it lets pass. It also reads 1.0 as 1, so a number that is not written as
 * an integer is read as {}: no claim takes that.
 */
export function readJSON(bytes) {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    JSON.parse(text);
    const names = [];
    const pieces = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[{}[\]]|-?\d[\d.eE+-]*/g;
    const integers = text.replace(pieces, (piece, string, isName) => {
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

/** What `work` returns, or undefined if it throws. */
export function attempt(work) {
    try {
        return work();
    } catch {
        return undefined;
    }
}

// Claims

export const isString = (value) => typeof value === 'string';
const isInteger = (value) => Number.isSafeInteger(value) && value >= 0;
const isStrings = (value) => Array.isArray(value) && value.every(isString);
export const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const orNull = (isType) => (value) => value === null || isType(value);
const isRevokedKey = (value) => isObject(value) && isString(value.kid) && value.kid !== '' && isInteger(value.at);
const areRevokedKeys = (value) => Array.isArray(value) && value.every(isRevokedKey)
    && new Set(value.map(({ kid }) => kid)).size === value.length;

const CLAIMS = [
    [isString, 'iss', 'sub', 'aud', 'jti', 'plan'],
    [isInteger, 'iat', 'nbf', 'exp', 'grace', 'max', 'used', 'ver', 'status', 'next', 'st'],
    [orNull(isInteger), 'lic_exp'],
    [orNull(isString), 'dom', 'ip', 'inst', 'act'],
    [isStrings, 'feat', 'bind'],
];
const KEY_SET_CLAIMS = [
    [isString, 'iss'], [isInteger, 'seq', 'iat', 'exp'], [Array.isArray, 'keys'], [areRevokedKeys, 'revoked'],
];
const REVOCATION_CLAIMS = [
    [isString, 'iss', 'sub'], [isInteger, 'iat', 'exp', 'ttl', 'seq'], [isObject, 'status_list'],
    [isStrings, 'act', 'lic'],
];

function have(claims, types) {
    return types.every(([isType, ...names]) =>
        names.every((name) => Object.hasOwn(claims, name) && isType(claims[name])));
}

function areClaims(claims) {
    return have(claims, CLAIMS)
        && claims.bind.length > 0 && new Set(claims.bind).size === claims.bind.length
        && claims.bind.every((name) => BINDINGS.has(name) && claims[name])
        && (!Object.hasOwn(claims, 'nonce') || isString(claims.nonce));
}
