<?php

declare(strict_types=1);

// php verify-vectors.php DIRECTORY   runs the published vectors; exit 1 if one fails

require __DIR__ . '/SignetLicense.php';

$directory = $argv[1] ?? exit("usage: php verify-vectors.php DIRECTORY\n");
$text = static fn (string $name): string => (string) file_get_contents("$directory/$name");
$read = static fn (string $name): array => json_decode($text($name), true, 64, JSON_THROW_ON_ERROR);
$passed = $failed = 0;
$expect = static function (string $name, $expected, $actual) use (&$passed, &$failed): void {
    if ($expected === $actual) {
        $passed++;
    } else {
        $failed++;
        echo "FAILED $name: expected ", json_encode($expected), ', got ', json_encode($actual), "\n";
    }
};

$code = static fn ($result, string $good = 'valid'): string => is_string($result) ? $result : $good;
$names = static fn (array $set): array => array_map('strval', array_keys($set));

$keys = SignetToken::keys($text('keys.json'));
$tokens = $read('tokens.json');
foreach ($tokens['cases'] as $case) {
    $result = SignetToken::verify(
        $case['token'], $keys, $case['installation'], $case['product'], $case['issuer'], $case['now'] ?? $tokens['now']
    );
    $expect("token: {$case['name']}", $case['expect'], $code($result));
}

$sets = $read('signed-key-sets.json');
$root = SignetToken::root((string) json_encode($sets['root']));
foreach ($sets['cases'] as $case) {
    $held = $case['held'] === null ? null : SignetToken::restoreKeySet($case['held'], $root);
    $now = $case['now'] ?? $sets['now'];
    $result = SignetToken::acceptKeySet($case['document'], $root, $held, $case['issuer'], $now);
    $expect("signed key set: {$case['name']}", $case['expect'], $code($result, 'accepted'));
    if ($case['expect'] === 'accepted' && !is_string($result)) {
        $good = array_filter($result->keys);
        $said = [$result->seq, $names($good), $names(array_diff_key($result->keys, $good))];
        $expect("what it says: {$case['name']}", [$case['sequence'], $case['keys'], $case['revoked']], $said);
    }
}
$under = $sets['tokens'];
$trusted = SignetToken::restoreKeySet($under['document'], $root)->keys;
foreach ($under['cases'] as $case) {
    $result = SignetToken::verify(
        $case['token'], $trusted, $under['installation'], $under['product'], $under['issuer'], $sets['now']
    );
    $expect("token under a signed key set: {$case['name']}", $case['expect'], $code($result));
}

$lists = $read('status-lists.json');
foreach ($lists['cases'] as $case) {
    $result = SignetToken::revocations($case['list'], $keys, $case['issuer'], $case['now'] ?? $lists['now']);
    $expect("list: {$case['name']}", $case['expect'], $code($result));
    if ($case['expect'] === 'valid' && !is_string($result)) {
        $isSet = static fn (int $index): bool => SignetToken::isBitSet($result, $index);
        [$fields, $revoked] = [$case['fields'], array_filter($case['fields']['revoked'], $isSet)];
        $notRevoked = array_filter($fields['not_revoked'], $isSet);
        $said = [$result->seq, $revoked, $notRevoked, $names($result->act), $names($result->lic)];
        $expected = [$fields['seq'], $fields['revoked'], [], $fields['ended'], $fields['revoked_offline']];
        $expect("what it says: {$case['name']}", $expected, $said);
    }
}
$common = $tokens['cases'][0];
foreach ($lists['tokens'] as $case) {
    $held = SignetToken::revocations($case['list'], $keys, null);
    $result = SignetToken::verify(
        $case['token'], $keys, $common['installation'], $common['product'], $common['issuer'], $case['now'], $held
    );
    $expect("token beside a list: {$case['name']}", $case['expect'], $code($result));
}

foreach ($read('key-sets.json')['cases'] as $case) {
    try {
        $result = array_map('strval', array_keys(SignetToken::keys($case['jwks'])));
    } catch (InvalidArgumentException $refusal) {
        $result = null;
    }
    $expect("key set: {$case['name']}", $case['expect'], $result);
}
foreach ($read('ed25519.json')['cases'] as $case) {
    [$key, $message, $signature] = array_map('hex2bin', [$case['public_key'], $case['message'], $case['signature']]);
    $result = strlen($signature) === 64 && sodium_crypto_sign_verify_detached($signature, $message, $key);
    $expect("signature: {$case['name']}", $case['valid'], $result);
}
$inputs = $read('inputs.json');
foreach (['well_formed' => true, 'malformed' => false] as $list => $expected) {
    foreach ($inputs['license_keys'][$list] as $key) {
        $expect("license key: $key", $expected, SignetLicense::isWellFormed($key));
    }
}
foreach ($inputs['domains'] as $case) {
    $expect("domain: {$case['input']}", $case['expect'], SignetLicense::canonicalDomain($case['input']));
}
foreach ($inputs['addresses'] as $case) {
    $expect("address: {$case['input']}", $case['expect'], SignetLicense::canonicalAddress($case['input']));
}
echo "$passed passed, $failed failed\n";
exit($failed === 0 ? 0 : 1);
