<?php
// A panel that was made for WHMCS's licensing addon, as a customer of its vendor runs it: it posts a form, reads the
// tags of the answer, and believes it when hash, domain, address and directory are its own.
//
// php panel.php URL KEY DOMAIN ADDRESS DIRECTORY SECRET [multipart]    prints what it thinks as JSON
declare(strict_types=1);

[, $url, $key, $domain, $address, $directory, $secret] = $argv;
$token = time() . md5(random_bytes(16) . $key);
$fields = [
    'licensekey' => $key, 'domain' => $domain, 'ip' => $address, 'dir' => $directory, 'check_token' => $token,
];
if (($argv[7] ?? '') === 'multipart') {
    $boundary = bin2hex(random_bytes(12));
    $type = "multipart/form-data; boundary=------$boundary";
    $body = '';
    foreach ($fields as $name => $value) {
        $body .= "--------$boundary\r\nContent-Disposition: form-data; name=\"$name\"\r\n\r\n$value\r\n";
    }
    $body .= "--------$boundary--\r\n";
} else {
    $type = 'application/x-www-form-urlencoded';
    $body = http_build_query($fields) . '&';
}
$context = stream_context_create(['http' => [
    'method' => 'POST', 'header' => "Content-Type: $type", 'content' => $body, 'ignore_errors' => true, 'timeout' => 20,
]]);
$answer = (string) file_get_contents("$url/modules/servers/licensing/verify.php", false, $context);
preg_match('/^HTTP\S+ ([0-9]+)/', $http_response_header[0], $status);
if ((int) $status[1] !== 200) {
    $thought = ['status' => 'keeps its local key', 'http' => (int) $status[1], 'bytes' => strlen($answer)];
    echo json_encode($thought), "\n";
    exit;
}
$tags = [];
foreach (preg_split('/\n/', $answer, -1, PREG_SPLIT_NO_EMPTY) as $line) {
    if (!preg_match('~^<([a-z0-9]+)>([^<]+)</\1>$~', $line, $match)) {
        $tags['unreadable'] = $line;
        continue;
    }
    $tags[$match[1]] = $match[2];
}
$thought = ['status' => $tags['status'] ?? 'none', 'tags' => $tags];
if (isset($tags['md5hash']) && !hash_equals(md5($secret . $token), $tags['md5hash'])) {
    $thought['status'] = 'Forged';
} elseif ($thought['status'] === 'Active') {
    foreach (['validdomain' => $domain, 'validip' => $address, 'validdirectory' => $directory] as $tag => $own) {
        if (!in_array($own, explode(',', $tags[$tag] ?? ''), true)) {
            $thought['status'] = "Not at its $tag";
        }
    }
}
echo json_encode($thought, JSON_UNESCAPED_SLASHES), "\n";
