<?php

declare(strict_types=1);

// php check.php SETTINGS.json status|refresh|force   prints what is known as JSON; exit 0 usable, 1 not
// php check.php SETTINGS.json status [--keys FILE] [--revocations FILE]   takes in what was carried here
// php check.php SETTINGS.json verify < TOKEN         verifies one token offline
// SETTINGS.json is what an installer stores; "jwks" and "root" are paths of what is pinned, relative to it.

require __DIR__ . '/SignetLicense.php';

[, $file, $command] = $argv + [null, null, null];
$carried = array_chunk(array_slice($argv, 3), 2);
$known = ['--keys' => 'takeKeySet', '--revocations' => 'takeRevocations'];
if ($file === null || !in_array($command, ['status', 'refresh', 'force', 'verify'], true)
    || array_diff(array_column($carried, 0), array_keys($known)) !== [] || count($argv) % 2 === 0) {
    $options = '[--keys FILE] [--revocations FILE]';
    fwrite(STDERR, "usage: php check.php SETTINGS.json status|refresh|force|verify $options\n");
    exit(2);
}
$settings = json_decode((string) file_get_contents($file), true, 16, JSON_THROW_ON_ERROR);
foreach (array_intersect(['jwks', 'root'], array_keys($settings)) as $pinned) {
    $path = $settings[$pinned][0] === '/' ? $settings[$pinned] : dirname($file) . '/' . $settings[$pinned];
    $settings[$pinned] = (string) file_get_contents($path);
}
$moved = getenv('SIGNET_EXAMPLE_NOW'); // for trying things out; the library itself reads the clock
$clock = static fn (): int => (int) ($moved ?: time());

$license = new SignetLicense($settings, $clock);
$outcomes = [];
foreach ($carried as [$option, $name]) {
    $outcomes[substr($option, 2) . '_file'] = $license->{$known[$option]}(trim((string) file_get_contents($name)));
}
if ($command === 'verify') {
    $result = $license->verify(trim((string) stream_get_contents(STDIN)));
    echo is_string($result) ? $result : 'valid', "\n";
    exit(is_string($result) ? 1 : 0);
}
if ($command !== 'status') {
    $outcomes['refresh'] = $license->refreshIfDue($command === 'force');
}
$status = $outcomes + $license->status();
echo json_encode($status, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE), "\n";
exit($status['usable'] ? 0 : 1);
