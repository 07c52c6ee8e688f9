// node verify-vectors.mjs DIRECTORY   runs the published vectors; exit 1 if one fails

import { createPublicKey, verify as verifySignature } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { canonicalAddress, canonicalDomain, isWellFormed, readKeySet, verify } from './signet-license.mjs';

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

const jwks = text('keys.json');
const tokens = read('tokens.json');
for (const { name, token, installation, product, issuer, now = tokens.now, expect: expected } of tokens.cases) {
    const result = verify(token, jwks, installation, product, issuer, now);
    expect(`token: ${name}`, expected, typeof result === 'string' ? result : 'valid');
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
