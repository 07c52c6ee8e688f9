// node verify-vectors.mjs DIRECTORY   runs the published vectors; exit 1 if one fails

import { createPublicKey, verify as verifySignature } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { canonicalAddress, canonicalDomain, isWellFormed } from './signet-license.mjs';
import { acceptKeySet, readKeySet, readRevocations, readRoot, restoreKeySet, verify } from './signet-token.mjs';

const text = (name) => fs.readFileSync(path.join(process.argv[2], name), 'utf8');
const read = (name) => JSON.parse(text(name));
let passed = 0;
let failed = 0;

function expect(name, expected, actual) {
    if (isDeepStrictEqual(expected, actual)) {
        passed += 1;
    } else {
        failed += 1;
        console.log(`FAILED ${name}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
    }
}

function keyIDs(jwks) {
    try {
        return [...readKeySet(jwks).keys()];
    } catch {
        return null;
    }
}

const code = (result, good = 'valid') => (typeof result === 'string' ? result : good);
const keys = readKeySet(text('keys.json'));
const tokens = read('tokens.json');
for (const { name, token, installation, product, issuer, now = tokens.now, expect: expected } of tokens.cases) {
    expect(`token: ${name}`, expected, code(verify(token, keys, installation, product, issuer, now)));
}

const sets = read('signed-key-sets.json');
const root = readRoot(JSON.stringify(sets.root));
for (const one of sets.cases) {
    const held = one.held === null ? null : restoreKeySet(one.held, root);
    const result = acceptKeySet(one.document, root, held, one.issuer, one.now ?? sets.now);
    expect(`signed key set: ${one.name}`, one.expect, code(result, 'accepted'));
    if (one.expect !== 'accepted' || typeof result === 'string') continue;
    const [good, gone] = [true, false].map((isGood) => [...result.keys].filter(([, key]) => Boolean(key) === isGood));
    const said = [result.seq, good.map(([kid]) => kid), gone.map(([kid]) => kid)];
    expect(`what it says: ${one.name}`, [one.sequence, one.keys, one.revoked], said);
}
const { document, installation, product, issuer, cases } = sets.tokens;
for (const one of cases) {
    const result = verify(one.token, restoreKeySet(document, root).keys, installation, product, issuer, sets.now);
    expect(`token under a signed key set: ${one.name}`, one.expect, code(result));
}

const lists = read('status-lists.json');
for (const one of lists.cases) {
    const result = readRevocations(one.list, keys, one.issuer, one.now ?? lists.now);
    expect(`list: ${one.name}`, one.expect, code(result));
    if (one.expect !== 'valid' || typeof result === 'string') continue;
    const isSet = (index) => (result.bits[Math.floor(index / 8)] >> index % 8 & 1) === 1;
    const { seq, revoked, not_revoked, ended, revoked_offline } = one.fields;
    const said = [result.seq, revoked.filter(isSet), not_revoked.filter(isSet), [...result.act], [...result.lic]];
    expect(`what it says: ${one.name}`, [seq, revoked, [], ended, revoked_offline], said);
}
for (const one of lists.tokens) {
    const { installation, product, issuer } = tokens.cases[0];
    const held = readRevocations(one.list, keys, null);
    const result = verify(one.token, keys, installation, product, issuer, one.now, held);
    expect(`token beside a list: ${one.name}`, one.expect, code(result));
}

for (const one of read('key-sets.json').cases) expect(`key set: ${one.name}`, one.expect, keyIDs(one.jwks));
for (const one of read('ed25519.json').cases) {
    const x = Buffer.from(one.public_key, 'hex').toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    const result = verifySignature(null, Buffer.from(one.message, 'hex'), key, Buffer.from(one.signature, 'hex'));
    expect(`signature: ${one.name}`, one.valid, result);
}
const inputs = read('inputs.json');
for (const key of inputs.license_keys.well_formed) expect(`license key: ${key}`, true, isWellFormed(key));
for (const key of inputs.license_keys.malformed) expect(`license key: ${key}`, false, isWellFormed(key));
for (const one of inputs.domains) expect(`domain: ${one.input}`, one.expect, canonicalDomain(one.input));
for (const one of inputs.addresses) expect(`address: ${one.input}`, one.expect, canonicalAddress(one.input));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
