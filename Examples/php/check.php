<?php

declare(strict_types=1);

// php check.php SETTINGS.json status|refresh|force   prints what is known as JSON; exit 0 usable, 1 not
// php check.php SETTINGS.json verify < TOKEN         verifies one token offline
// SETTINGS.json is what an installer stores; "jwks" is the path of the pinned key set, relative to it.

require __DIR__ . '/SignetLicense.php';

[, $file, $command] = $argv + [null, null, null];
if ($file === null || !in_array($command, ['status', 'refresh', 'force', 'verify'], true)) {
    fwrite(STDERR, "usage: php check.php SETTINGS.json status|refresh|force|verify\n");
    exit(2);
}
$settings = json_decode((string) file_get_contents($file), true, 16, JSON_THROW_ON_ERROR);
$jwks = $settings['jwks'][0] === '/' ? $settings['jwks'] : dirname($file) . '/' . $settings['jwks'];
$settings['jwks'] = (string) file_get_contents($jwks);
$moved = getenv('SIGNET_EXAMPLE_NOW'); // for trying things out; the library itself reads the clock
$clock = static fn (): int => (int) ($moved ?: time());

if ($command === 'verify') {
    $installation = [
        'domain' => SignetLicense::canonicalDomain($settings['domain']),
        'address' => SignetLicense::canonicalAddress($settings['address'] ?? ''),
        'installation_id' => $settings['installation_id'] ?? null,
    ];
    $result = SignetToken::verify(
        trim((string) stream_get_contents(STDIN)), $settings['jwks'], $installation,
        $settings['product'] ?? null, $settings['issuer'] ?? null, $clock()
    );
    echo is_string($result) ? $result : 'valid', "\n";
    exit(is_string($result) ? 1 : 0);
}
$license = new SignetLicense($settings, $clock);
$outcome = $command === 'status' ? [] : ['refresh' => $license->refreshIfDue($command === 'force')];
$status = $outcome + $license->status();
echo json_encode($status, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE), "\n";
exit($status['usable'] ? 0 : 1);
