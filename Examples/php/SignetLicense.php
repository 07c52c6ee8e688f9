<?php

declare(strict_types=1);

/**
 * Verifies a license token without a network (docs/token-format.md). PHP 7.4 or later on a 64-bit machine with the
 * sodium extension (or sodium_compat); nothing else.
 */
final class SignetToken
{
    private const INTEGER_MAX = 9007199254740991; // 2^53 - 1
    private const CLAIMS = [
        'iss' => 'string', 'sub' => 'string', 'aud' => 'string', 'jti' => 'string', 'plan' => 'string',
        'iat' => 'integer', 'nbf' => 'integer', 'exp' => 'integer', 'grace' => 'integer', 'max' => 'integer',
        'used' => 'integer', 'ver' => 'integer', 'status' => 'integer', 'next' => 'integer', 'st' => 'integer',
        'lic_exp' => 'integer or null', 'dom' => 'string or null', 'ip' => 'string or null',
        'inst' => 'string or null', 'act' => 'string or null', 'feat' => 'strings', 'bind' => 'strings',
    ];
    private const BINDINGS = [
        'dom' => ['domain', 'wrong_domain'],
        'ip' => ['address', 'wrong_address'],
        'inst' => ['installation_id', 'wrong_installation'],
    ];

    /**
     * @param string $jwks         the pinned key set, as JSON text
     * @param array  $installation 'domain', 'address', 'installation_id': canonical strings, or null where unknown
     * @param int    $now          unix seconds
     * @return stdClass|string     the claims, or the code of the refusal
     * @throws InvalidArgumentException if the key set is unusable; RuntimeException if sodium is missing
     */
    public static function verify(
        string $token, string $jwks, array $installation, ?string $product, ?string $issuer, int $now
    ) {
        $keys = self::keys($jwks);
        $parts = strlen($token) > 8192 ? [] : explode('.', $token);
        if (count($parts) !== 3) {
            return 'malformed';
        }
        [$head, $payload, $signature] = array_map([self::class, 'base64url'], $parts);
        $header = $head === null ? null : self::json($head);
        if (!$header instanceof stdClass || $payload === null || $signature === null) {
            return 'malformed';
        }
        if (!in_array($header->alg ?? null, ['EdDSA', 'Ed25519'], true)) {
            return 'unsupported_algorithm';
        }
        if (($header->typ ?? null) !== 'lic+jwt') {
            return 'wrong_type';
        }
        if (property_exists($header, 'crit')) {
            return 'unsupported_critical';
        }
        $kid = $header->kid ?? null;
        if (!is_string($kid) || !isset($keys[$kid])) {
            return 'unknown_key';
        }
        if (!self::isSigned($signature, "$parts[0].$parts[1]", $keys[$kid])) {
            return 'bad_signature';
        }
        $claims = self::json($payload);
        if (!$claims instanceof stdClass || !self::areClaims($claims)) {
            return 'malformed_claims';
        }
        if ($issuer !== null && $claims->iss !== $issuer) {
            return 'wrong_issuer';
        }
        if ($product !== null && $claims->aud !== $product) {
            return 'wrong_product';
        }
        if ($now < $claims->nbf - 300) {
            return 'not_yet_valid';
        }
        if ($now >= $claims->exp) {
            return 'expired';
        }
        foreach (self::BINDINGS as $claim => [$name, $refusal]) {
            if (in_array($claim, $claims->bind, true) && $claims->$claim !== ($installation[$name] ?? null)) {
                return $refusal;
            }
        }
        return $claims;
    }

    /** Whether this PHP can verify at all. */
    public static function hasSodium(): bool
    {
        return function_exists('sodium_crypto_sign_verify_detached');
    }

    /** @return array<string, string> raw public keys by key id; keys that are not Ed25519 are left out */
    public static function keys(string $jwks): array
    {
        $set = self::json($jwks);
        if (!$set instanceof stdClass || !is_array($set->keys ?? null)) {
            throw new InvalidArgumentException('the key set is not a JWKS');
        }
        $keys = [];
        foreach ($set->keys as $key) {
            if (!$key instanceof stdClass) {
                throw new InvalidArgumentException('the key set holds something that is not a key');
            }
            if (($key->kty ?? null) !== 'OKP' || ($key->crv ?? null) !== 'Ed25519') {
                continue;
            }
            $raw = is_string($key->x ?? null) ? self::base64url($key->x) : null;
            $kid = $key->kid ?? null;
            if ($raw === null || strlen($raw) !== 32 || !is_string($kid) || $kid === '' || isset($keys[$kid])) {
                throw new InvalidArgumentException('the key set holds a damaged or repeated Ed25519 key');
            }
            $keys[$kid] = $raw;
        }
        return $keys;
    }

    private static function isSigned(string $signature, string $text, string $key): bool
    {
        if (!self::hasSodium()) {
            throw new RuntimeException('the sodium extension is missing');
        }
        return strlen($signature) === 64 && sodium_crypto_sign_verify_detached($signature, $text, $key);
    }

    private static function areClaims(stdClass $claims): bool
    {
        foreach (self::CLAIMS as $name => $type) {
            if (!property_exists($claims, $name) || !self::isOfType($claims->$name, $type)) {
                return false;
            }
        }
        foreach ($claims->bind as $name) {
            if (!isset(self::BINDINGS[$name]) || $claims->$name === null || $claims->$name === '') {
                return false;
            }
        }
        return $claims->bind !== [] && count(array_unique($claims->bind)) === count($claims->bind)
            && (!property_exists($claims, 'nonce') || is_string($claims->nonce));
    }

    /** @param mixed $value */
    private static function isOfType($value, string $type): bool
    {
        switch ($type) {
            case 'string':
                return is_string($value);
            case 'string or null':
                return $value === null || is_string($value);
            case 'integer or null':
                return $value === null || self::isOfType($value, 'integer');
            case 'integer':
                return is_int($value) && $value >= 0 && $value <= self::INTEGER_MAX;
            default:
                return is_array($value) && array_filter($value, 'is_string') === $value;
        }
    }

    /** The bytes that unpadded Base64url spells, or null unless it is their one spelling. */
    private static function base64url(string $text): ?string
    {
        $bytes = base64_decode(strtr($text, '-_', '+/'), true);
        $again = $bytes === false ? '' : rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
        return $text !== '' && $again === $text ? $bytes : null;
    }

    /**
     * The value of a JSON text of at most 16 levels without duplicate names, else null: json_decode checks all but the
     * duplicates, and keeps the last of two members of one name.
     *
     * @return mixed
     */
    public static function json(string $text)
    {
        $value = json_decode($text, false, 17); // it counts one level more than there are brackets
        if (json_last_error() !== JSON_ERROR_NONE) {
            return null;
        }
        $found = preg_match_all('/("(?:[^"\\\\]++|\\\\.)*+")(\s*+:)?|[{}[\]]/', $text, $tokens, PREG_SET_ORDER);
        $names = [];
        foreach ($found === false ? [] : $tokens as $token) {
            if ($token[0] === '{' || $token[0] === '[') {
                $names[] = [];
            } elseif ($token[0] === '}' || $token[0] === ']') {
                array_pop($names);
            } elseif (isset($token[2])) {
                $name = json_decode($token[1]);
                if (isset($names[count($names) - 1][$name])) {
                    return null;
                }
                $names[count($names) - 1][$name] = true;
            }
        }
        return $found === false ? null : $value;
    }
}

/**
 * Keeps one installation licensed: asks the license service now and then, keeps the signed token, works from it in
 * between. `isLicensed()` and `status()` never use the network. README.md shows how to build it in.
 */
final class SignetLicense
{
    public const TIMEOUT_SECONDS = 2.0; // for one check, over all servers
    public const PROVISIONAL_SECONDS = 72 * 3600;
    private const BACKOFF_MIN = 900;
    private const BACKOFF_MAX = 5 * 3600; // 6 h with the longest jitter
    private const CHECK_LATEST = 7 * 86400;
    private const CLOCK_TOLERANCE = 300;
    private const ANSWER_BYTES_MAX = 65536;
    private const ENDING = ['REVOKED', 'SUSPENDED', 'EXPIRED', 'NOT_ACTIVATED'];

    private string $key;
    private string $jwks;
    private ?string $product;
    private ?string $issuer;
    private array $servers;
    private string $directory;
    private array $installation;
    private string $identity;
    /** @var callable(): int */
    private $clock;

    /**
     * @param array         $settings 'key', 'domain', 'product', 'issuer', 'jwks' (JSON text), 'servers' (list of base
     *                                addresses), 'state' (a directory of this installation, outside the web root), and
     *                                if used 'address', 'installation_id'. All stored at installation: nothing is ever
     *                                taken from a visitor's request.
     * @param callable|null $clock    unix seconds; for tests
     */
    public function __construct(array $settings, ?callable $clock = null)
    {
        $this->key = trim((string) ($settings['key'] ?? ''));
        $this->jwks = (string) ($settings['jwks'] ?? '');
        $this->product = $settings['product'] ?? null;
        $this->issuer = $settings['issuer'] ?? null;
        $this->servers = array_values($settings['servers'] ?? []);
        $this->directory = rtrim((string) ($settings['state'] ?? ''), '/');
        $address = $settings['address'] ?? null;
        $this->installation = [
            'domain' => self::canonicalDomain((string) ($settings['domain'] ?? '')),
            'address' => $address === null ? null : self::canonicalAddress((string) $address),
            'installation_id' => isset($settings['installation_id']) ? (string) $settings['installation_id'] : null,
        ];
        $subject = [$this->key, $this->product, $this->installation['domain'], $this->installation['installation_id']];
        $this->identity = hash('sha256', (string) json_encode($subject));
        $this->clock = $clock ?? 'time';
    }

    /** Whether the software may run in full: no network, never throws. See README.md on what to do with false. */
    public function isLicensed(): bool
    {
        return $this->status()['usable'];
    }

    /**
     * What is known, without a network:
     *
     * - state: 'licensed', 'outage' (licensed, but the service could not be asked), 'provisional' (first 72 hours),
     *   'unverifiable' (this machine cannot check, which says nothing about the license), 'ended' (the service ended
     *   it), 'unlicensed'
     * - usable: bool; code: the verdict, refusal or problem; message: for the administrator
     * - plan, features, token_expires, license_expires (unix seconds or null), next_check, warnings
     */
    public function status(): array
    {
        $state = $this->readState();
        $now = ($this->clock)();
        $time = max($now, $state['highest_seen']);
        $status = [
            'state' => 'unlicensed', 'usable' => false, 'code' => null, 'message' => '', 'plan' => null,
            'features' => [], 'token_expires' => null, 'license_expires' => null,
            'next_check' => $state['next_attempt'], 'warnings' => [],
        ];
        if ($now < $state['highest_seen'] - self::CLOCK_TOLERANCE) {
            $status['warnings'][] = 'clock_set_back';
        }
        if ($state['corrupt']) {
            $status['warnings'][] = 'state_unreadable';
        }
        if (!is_writable(is_dir($this->directory) ? $this->directory : dirname($this->directory))) {
            $status['warnings'][] = 'state_not_writable';
        }
        if ($state['error'] !== '') {
            $status['warnings'][] = $state['error'];
        }
        if ($state['ended'] !== '') {
            return ['state' => 'ended', 'code' => $state['ended'], 'message' => $state['message']] + $status;
        }
        $problem = $this->problem();
        if ($problem !== null) {
            $since = $state['unverifiable_since'] ?: $time;
            return [
                'state' => 'unverifiable', 'usable' => $time < $since + self::PROVISIONAL_SECONDS,
                'code' => $problem[0], 'message' => $problem[1],
            ] + $status;
        }
        $claims = $this->held($time);
        if ($claims instanceof stdClass) {
            return [
                'state' => $state['error'] === '' ? 'licensed' : 'outage', 'usable' => true,
                'code' => $state['refused'] ?: $state['verdict'] ?: null, 'message' => $state['message'],
                'plan' => $claims->plan, 'features' => $claims->feat,
                'token_expires' => $claims->exp, 'license_expires' => $claims->lic_exp,
            ] + $status;
        }
        $provisionalUntil = $state['provisional_since'] + self::PROVISIONAL_SECONDS;
        if ($state['refused'] === '' && $state['provisional_since'] > 0 && $time < $provisionalUntil) {
            return [
                'state' => 'provisional', 'usable' => true, 'code' => 'provisional',
                'message' => 'The license service was not reached yet; this runs until '
                    . gmdate('c', $provisionalUntil),
            ] + $status;
        }
        $code = $state['refused'] ?: $claims ?: ($state['provisional_since'] > 0 ? 'provisional_over' : 'not_checked');
        $message = $state['refused'] !== '' ? $state['message'] : "There is no license token to work from: $code.";
        return ['code' => $code, 'message' => $message] + $status;
    }

    /**
     * Asks the service if a check is due (or `$force`d by an administrator). For cron and for the time after the
     * response, never for a page: it can take 2 s. Never throws.
     *
     * @return string 'updated', 'kept' (the stored token ends later), 'ended', 'refused', 'failed', 'not_due',
     *                'not_recorded' (the state directory cannot be written) or 'unverifiable'
     */
    public function refreshIfDue(bool $force = false): string
    {
        $now = ($this->clock)();
        $nonce = null;
        $decision = $this->locked(function () use ($now, $force, &$nonce): string {
            $state = $this->readState();
            if ($this->problem() !== null) {
                $state['unverifiable_since'] = $state['unverifiable_since'] ?: $now;
                return $this->writeState($state) ? 'unverifiable' : 'not_recorded';
            }
            $setBack = $now < $state['highest_seen'] - self::CLOCK_TOLERANCE;
            $hasToken = $this->held($now) instanceof stdClass;
            $isLost = !$hasToken && $state['failures'] === 0; // the token was there and is not: do not wait
            $waits = $now < $state['next_attempt'] && $state['next_attempt'] <= $now + self::CHECK_LATEST;
            if ($waits && !$isLost && !$force) {
                return 'not_due';
            }
            // A nonce makes the service sign afresh; without one it may hand out a token it has.
            if ($force || $setBack || !$hasToken) {
                $nonce = rtrim(strtr(base64_encode(random_bytes(16)), '+/', '-_'), '=');
            }
            if ($state['provisional_since'] === 0 && self::isWellFormed($this->key)) {
                $state['provisional_since'] = $now;
            }
            $state['failures']++;
            $state['next_attempt'] = $now + self::backoff($state['failures']);
            $state['highest_seen'] = max($state['highest_seen'], $now);
            $state['unverifiable_since'] = 0;
            return $this->writeState($state) ? 'due' : 'not_recorded';
        });
        if ($decision !== 'due') {
            return $decision;
        }
        try {
            $answer = $this->ask($nonce);
        } catch (Throwable $failure) {
            $answer = $failure->getMessage();
        }
        return $this->locked(function () use ($answer, $nonce, $now): string {
            return $this->learn($answer, $nonce, $now);
        });
    }

    /** Runs `refreshIfDue` once the visitor has the page. Without PHP-FPM it does nothing: there, cron checks. */
    public function refreshAfterResponse(): void
    {
        if (!function_exists('fastcgi_finish_request')) {
            return;
        }
        register_shutdown_function(function (): void {
            if (session_status() === PHP_SESSION_ACTIVE) {
                session_write_close();
            }
            fastcgi_finish_request();
            $this->refreshIfDue();
        });
    }

    // What an answer means

    /**
     * Applies an answer (or the text of a failure) to what is stored. Only a 200 answer that says valid:false with one
     * of ENDING ends a token; whatever else comes leaves it working until it expires.
     *
     * @param stdClass|string $answer
     */
    private function learn($answer, ?string $nonce, int $now): string
    {
        $state = $this->readState();
        $held = $this->held(max($now, $state['highest_seen']));
        if (is_string($answer)) {
            $state['error'] = $answer;
            return $this->writeState($state) ? 'failed' : 'not_recorded';
        }
        $state['message'] = is_string($answer->message ?? null) ? substr($answer->message, 0, 500) : '';
        if ($answer->valid === false) {
            $state['error'] = '';
            if (in_array($answer->code, self::ENDING, true)) {
                $state['ended'] = $answer->code;
                $written = $this->writeState($state);
                $this->removeToken();
                return $written ? 'ended' : 'not_recorded';
            }
            $state['refused'] = $answer->code;
            return $this->writeState($state) ? 'refused' : 'not_recorded';
        }
        $token = is_string($answer->token ?? null) ? $answer->token : '';
        $claims = SignetToken::verify($token, $this->jwks, $this->installation, $this->product, $this->issuer, $now);
        if (is_string($claims) || ($nonce !== null && ($claims->nonce ?? null) !== $nonce)) {
            $state['error'] = 'the answer holds no token for us: ' . (is_string($claims) ? $claims : 'another nonce');
            return $this->writeState($state) ? 'failed' : 'not_recorded';
        }
        $replace = is_string($held) || $claims->exp >= $held->exp || $claims->ver !== $held->ver
            || $answer->code !== $state['verdict'];
        if ($replace && !$this->write('token', $token)) {
            return 'not_recorded';
        }
        $next = max($now + self::BACKOFF_MIN, min($claims->next, $now + self::CHECK_LATEST));
        $state = [
            'failures' => 0, 'next_attempt' => $next, 'refused' => '', 'ended' => '', 'error' => '',
            'verdict' => $answer->code,
            // A fresh signature over our nonce also says what time it is: it may correct a clock that ran ahead.
            'highest_seen' => $nonce === null ? max($state['highest_seen'], $now) : $now,
        ] + $state;
        return $this->writeState($state) ? ($replace ? 'updated' : 'kept') : 'not_recorded';
    }

    /** The first readable 200 answer of the servers, all within TIMEOUT_SECONDS. Throws RuntimeException. */
    private function ask(?string $nonce): stdClass
    {
        $body = (string) json_encode(array_filter([
            'license_key' => $this->key, 'domain' => $this->installation['domain'],
            'ip_address' => $this->installation['address'], 'product' => $this->product,
            'installation_id' => $this->installation['installation_id'], 'nonce' => $nonce,
        ], 'is_string'), JSON_UNESCAPED_SLASHES);
        $until = self::seconds() + self::TIMEOUT_SECONDS;
        $error = 'no server is set';
        foreach ($this->servers as $index => $server) {
            try {
                $share = ($until - self::seconds()) / (count($this->servers) - $index);
                $url = rtrim($server, '/') . '/api/v1/installer/validate';
                $answer = SignetToken::json(self::post($url, $body, self::seconds() + $share));
                if (is_bool($answer->valid ?? null) && is_string($answer->code ?? null)) {
                    return $answer;
                }
                $error = 'the answer is not readable';
            } catch (RuntimeException $failure) {
                $error = $failure->getMessage();
            }
        }
        throw new RuntimeException($error);
    }

    /**
     * POSTs JSON and returns the body of a 200 answer, or throws RuntimeException, before `$until`. Written on a socket
     * because PHP's http wrapper limits each read, not the whole. (The look-up of the name is the system's to limit.)
     */
    private static function post(string $url, string $body, float $until): string
    {
        $part = parse_url($url);
        $host = $part['host'] ?? '';
        $secure = ($part['scheme'] ?? '') === 'https';
        $port = $part['port'] ?? ($secure ? 443 : 80);
        $context = stream_context_create(['ssl' => ['peer_name' => trim($host, '[]')]]);
        $seconds = max(0.01, $until - self::seconds());
        $socket = @stream_socket_client("tcp://$host:$port", $n, $text, $seconds, STREAM_CLIENT_CONNECT, $context);
        if ($socket === false) {
            throw new RuntimeException("no connection to $host:$port: $text");
        }
        stream_set_blocking($socket, false);
        $tls = STREAM_CRYPTO_METHOD_TLS_CLIENT;
        while ($secure && ($isUp = @stream_socket_enable_crypto($socket, true, $tls)) !== true) {
            if ($isUp === false) {
                throw new RuntimeException("no TLS connection to $host:$port");
            }
            self::waitFor($socket, null, $until);
        }
        $request = "POST {$part['path']} HTTP/1.1\r\nHost: $host:$port\r\nContent-Type: application/json\r\n"
            . 'Content-Length: ' . strlen($body) . "\r\nConnection: close\r\n\r\n$body";
        while ($request !== '') {
            self::waitFor(null, $socket, $until);
            $sent = @fwrite($socket, $request);
            if ($sent === false) {
                throw new RuntimeException("$host:$port closed the connection");
            }
            $request = (string) substr($request, $sent);
        }
        $answer = '';
        while (!feof($socket) && !self::isWhole($answer)) {
            $bytes = (string) @fread($socket, 8192);
            $answer .= $bytes;
            if (strlen($answer) > self::ANSWER_BYTES_MAX) {
                throw new RuntimeException("$host:$port answers too much");
            }
            if ($bytes === '' && !feof($socket)) {
                self::waitFor($socket, null, $until);
            }
        }
        fclose($socket);
        [$head, $content] = explode("\r\n\r\n", $answer, 2) + ['', ''];
        if (preg_match('~^HTTP/1\.[01] (\d{3})~', $head, $found) !== 1 || $found[1] !== '200') {
            throw new RuntimeException("$host:$port answers " . ($found[1] ?? 'no HTTP'));
        }
        return preg_match('~\r\ntransfer-encoding:[^\r]*chunked~i', $head) === 1 ? self::unchunked($content) : $content;
    }

    /**
     * Waits until a socket is ready or throws at `$until`.
     *
     * @param resource|null $reading
     * @param resource|null $writing
     */
    private static function waitFor($reading, $writing, float $until): void
    {
        $left = $until - self::seconds();
        $read = $reading === null ? [] : [$reading];
        $write = $writing === null ? [] : [$writing];
        $except = [];
        if ($left <= 0 || !@stream_select($read, $write, $except, (int) $left, (int) (fmod($left, 1) * 1e6))) {
            throw new RuntimeException('no answer in time');
        }
    }

    /** A clock that nobody sets. */
    private static function seconds(): float
    {
        return hrtime(true) / 1e9;
    }

    /** Whether all of an answer with a Content-Length is there; any other ends with the connection. */
    private static function isWhole(string $answer): bool
    {
        $end = strpos($answer, "\r\n\r\n");
        return $end !== false && preg_match('~\r\ncontent-length: *(\d+)~i', substr($answer, 0, $end), $length) === 1
            && strlen($answer) - $end - 4 >= (int) $length[1];
    }

    private static function unchunked(string $content): string
    {
        $whole = '';
        while (preg_match('/^([0-9a-f]{1,6})[^\r\n]*\r\n/i', $content, $line) === 1 && hexdec($line[1]) > 0) {
            $whole .= substr($content, strlen($line[0]), (int) hexdec($line[1]));
            $content = (string) substr($content, strlen($line[0]) + (int) hexdec($line[1]) + 2);
        }
        return $whole;
    }

    // What is stored

    /** @return string[]|null code and message of what keeps this machine from verifying anything */
    private function problem(): ?array
    {
        if (!SignetToken::hasSodium()) {
            return ['sodium_missing', 'The PHP extension sodium is missing: the license cannot be checked without it.'];
        }
        if ($this->installation['domain'] === null && $this->installation['installation_id'] === null) {
            return ['domain_missing', 'The stored domain of this installation is not a host name.'];
        }
        try {
            SignetToken::keys($this->jwks);
        } catch (InvalidArgumentException $failure) {
            return ['key_set_unusable', $failure->getMessage()];
        }
        return null;
    }

    /**
     * The claims of the stored token if it holds at `$time`, its refusal code, or '' if there is none.
     *
     * @return stdClass|string
     */
    private function held(int $time)
    {
        $token = $this->read('token');
        return $token === null ? '' : SignetToken::verify(
            trim($token), $this->jwks, $this->installation, $this->product, $this->issuer, $time
        );
    }

    /** What is remembered between checks; for another key or domain nothing but the two first members. */
    private function readState(): array
    {
        $fresh = [
            'provisional_since' => 0, 'highest_seen' => 0,
            'unverifiable_since' => 0, 'failures' => 0, 'next_attempt' => 0,
            'refused' => '', 'ended' => '', 'verdict' => '', 'error' => '', 'message' => '', 'for' => $this->identity,
        ];
        $text = $this->read('state.json');
        $stored = $text === null ? null : SignetToken::json($text);
        $state = array_intersect_key((array) $stored, $fresh) + $fresh;
        foreach ($fresh as $name => $value) {
            if (($text !== null && !$stored instanceof stdClass) || gettype($state[$name]) !== gettype($value)) {
                return $fresh + ['corrupt' => true];
            }
        }
        if ($state['for'] !== $this->identity) {
            $kept = array_slice($fresh, 0, 2);
            $state = array_intersect_key($state, $kept) + $fresh;
        }
        return $state + ['corrupt' => false];
    }

    private function writeState(array $state): bool
    {
        unset($state['corrupt']);
        return $this->write('state.json', (string) json_encode($state, JSON_INVALID_UTF8_SUBSTITUTE));
    }

    /** Runs `$work` while no other process of this installation does; 'not_recorded' if that cannot be had. */
    private function locked(callable $work): string
    {
        if (!is_dir($this->directory)) {
            @mkdir($this->directory, 0700, true);
        }
        $lock = @fopen("$this->directory/lock", 'c');
        if ($lock === false || !flock($lock, LOCK_EX)) {
            return 'not_recorded';
        }
        try {
            return $work();
        } finally {
            fclose($lock);
        }
    }

    private function read(string $name): ?string
    {
        $path = "$this->directory/$name";
        $text = is_file($path) ? @file_get_contents($path, false, null, 0, self::ANSWER_BYTES_MAX) : false;
        return $text === false ? null : $text;
    }

    /** Replaces a file whole or not at all. */
    private function write(string $name, string $text): bool
    {
        $path = "$this->directory/$name";
        $file = @fopen("$path.new", 'w');
        if ($file === false) {
            return false;
        }
        $written = @chmod("$path.new", 0600) && @fwrite($file, $text) === strlen($text) && @fflush($file);
        if (function_exists('fsync')) { // PHP 8.1
            $written = @fsync($file) && $written;
        }
        return fclose($file) && $written && @rename("$path.new", $path);
    }

    private function removeToken(): void
    {
        if (is_file("$this->directory/token")) {
            @unlink("$this->directory/token");
        }
    }

    /** Seconds until the next try: 15 minutes, doubled by each failure, up to 6 hours; a fifth of it is chance. */
    private static function backoff(int $failures): int
    {
        $base = min(self::BACKOFF_MIN * 2 ** min($failures - 1, 10), self::BACKOFF_MAX);
        return $base + random_int(0, intdiv($base, 5));
    }

    // What people type

    /** Whether a license key can be one: 15 symbols and the check symbol that belongs to them. */
    public static function isWellFormed(string $key): bool
    {
        $key = (string) preg_replace('/[\s\p{Z}\p{Pd}\x{2212}]+/u', '', $key); // spaces and dashes of all kinds
        $key = strtr(strtoupper($key), 'OIL', '011');
        if (preg_match('/^[0-9A-HJKMNP-TV-Z]{16}$/D', $key) !== 1) {
            return false;
        }
        $sum = 0; // in GF(32) modulo x^5 + x^2 + 1: symbol i counts x^i times
        foreach (array_reverse(str_split($key)) as $symbol) {
            $sum <<= 1;
            $sum ^= ($sum & 32 ? 0b100101 : 0) ^ strpos('0123456789ABCDEFGHJKMNPQRSTVWXYZ', $symbol);
        }
        return $sum === 0;
    }

    /** The canonical form of a domain (or of an address, for an installation without a name), or null if it is none. */
    public static function canonicalDomain(string $text): ?string
    {
        $text = trim($text, " \t\r\n");
        $host = preg_replace('~^[a-z][a-z0-9+.-]*://~i', '', $text);
        $host = preg_replace('~^[^/?#]*@|[/?#].*$~s', '', $host);
        $address = self::canonicalAddress($text) ?? self::canonicalAddress(preg_replace('/:\d*$/D', '', $host));
        if ($address !== null) {
            return $address;
        }
        $host = preg_replace('/:\d*$/D', '', $host);
        if (preg_match('/[^\x00-\x7f]/', $host) === 1) {
            $host = function_exists('idn_to_ascii')
                ? (string) idn_to_ascii($host, IDNA_NONTRANSITIONAL_TO_ASCII, INTL_IDNA_VARIANT_UTS46) : '';
        }
        $host = strtolower($host);
        $host = substr($host, -1) === '.' ? substr($host, 0, -1) : $host;
        $host = preg_replace('/^www\.(?!www\.[^.]+\.)(?=[^.]+\.)/', '', $host);
        $label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
        $isName = strlen($host) <= 253 && preg_match("/^(?:$label\\.)*(?!\\d+\$)$label\$/D", $host) === 1;
        return $isName ? $host : null;
    }

    /** The canonical text (RFC 5952) of an address, or null if it is none. */
    public static function canonicalAddress(string $text): ?string
    {
        $text = preg_replace('/^\[(.*:.*)\]$/D', '$1', trim($text, " \t\r\n"));
        if (filter_var($text, FILTER_VALIDATE_IP) === false) {
            return null;
        }
        $bytes = (string) inet_pton($text);
        $isMapped = strncmp($bytes, str_repeat("\0", 10) . "\xff\xff", 12) === 0 && strlen($bytes) === 16;
        return (string) inet_ntop($isMapped ? substr($bytes, 12) : $bytes);
    }
}
