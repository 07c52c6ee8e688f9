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

$jwks = $text('keys.json');
$tokens = $read('tokens.json');
foreach ($tokens['cases'] as $case) {
    $result = SignetToken::verify(
        $case['token'], $jwks, $case['installation'], $case['product'], $case['issuer'], $case['now'] ?? $tokens['now']
    );
    $expect("token: {$case['name']}", $case['expect'], is_string($result) ? $result : 'valid');
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
