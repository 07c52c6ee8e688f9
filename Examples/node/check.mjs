// node check.mjs SETTINGS.json status|refresh|force   prints what is known as JSON; exit 0 usable, 1 not
// node check.mjs SETTINGS.json verify < TOKEN         verifies one token offline
// SETTINGS.json is what an installer stores; "jwks" is the path of the pinned key set, relative to it.

import fs from 'node:fs';
import path from 'node:path';
import { License, verify } from './signet-license.mjs';

const [file, command] = process.argv.slice(2);
if (!file || !['status', 'refresh', 'force', 'verify'].includes(command)) {
    console.error('usage: node check.mjs SETTINGS.json status|refresh|force|verify');
    process.exit(2);
}
const settings = JSON.parse(fs.readFileSync(file, 'utf8'));
settings.jwks = fs.readFileSync(path.resolve(path.dirname(file), settings.jwks), 'utf8');
const moved = process.env.SIGNET_EXAMPLE_NOW; // for trying things out; the library itself reads the clock
const clock = () => Number(moved || Math.floor(Date.now() / 1000));
const license = new License(settings, clock);

if (command === 'verify') {
    const token = fs.readFileSync(0, 'utf8').trim();
    const result = verify(token, license.jwks, license.installation, license.product, license.issuer, clock());
    console.log(typeof result === 'string' ? result : 'valid');
    process.exitCode = typeof result === 'string' ? 1 : 0;
} else {
    const outcome = command === 'status' ? {} : { refresh: await license.refreshIfDue({ force: command === 'force' }) };
    const status = { ...outcome, ...license.status() };
    console.log(JSON.stringify(status));
    process.exitCode = status.usable ? 0 : 1;
}
