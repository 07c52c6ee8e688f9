// node check.mjs SETTINGS.json status|refresh|force    prints what is known as JSON; exit 0 usable, 1 not
// node check.mjs SETTINGS.json status [--keys FILE] [--revocations FILE]    takes in what was carried here
// node check.mjs SETTINGS.json verify < TOKEN          verifies one token offline
// SETTINGS.json is what an installer stores; "jwks" and "root" are paths of what is pinned, relative to it.

import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { License } from './signet-license.mjs';

const options = { keys: { type: 'string' }, revocations: { type: 'string' } };
const { values: files, positionals: [file, command] } = parseArgs({ options, allowPositionals: true });
if (!file || !['status', 'refresh', 'force', 'verify'].includes(command)) {
    console.error('usage: node check.mjs SETTINGS.json status|refresh|force|verify [--keys FILE] [--revocations FILE]');
    process.exit(2);
}
const settings = JSON.parse(fs.readFileSync(file, 'utf8'));
for (const pinned of ['jwks', 'root'].filter((name) => settings[name])) {
    settings[pinned] = fs.readFileSync(path.resolve(path.dirname(file), settings[pinned]), 'utf8');
}
const moved = process.env.SIGNET_EXAMPLE_NOW; // for trying things out; the library itself reads the clock
const license = new License(settings, () => Number(moved || Math.floor(Date.now() / 1000)));

const outcomes = {};
const carried = (name) => fs.readFileSync(name, 'latin1').trim();
if (files.keys) outcomes.keys_file = await license.takeKeySet(carried(files.keys));
if (files.revocations) outcomes.revocations_file = await license.takeRevocations(carried(files.revocations));
if (command === 'verify') {
    const result = license.verify(fs.readFileSync(0, 'utf8').trim());
    console.log(typeof result === 'string' ? result : 'valid');
    process.exitCode = typeof result === 'string' ? 1 : 0;
} else {
    if (command !== 'status') outcomes.refresh = await license.refreshIfDue({ force: command === 'force' });
    const status = { ...outcomes, ...license.status() };
    console.log(JSON.stringify(status));
    process.exitCode = status.usable ? 0 : 1;
}
