<?php

declare(strict_types=1);

require_once __DIR__ . '/SignetToken.php';

/**
 * Keeps one installation licensed: asks the license service now and then, keeps the signed token, works from it in
 * between. `isLicensed()` and `status()` never use the network. README.md shows how to build it in.
 */
final class SignetLicense
{
    public const TIMEOUT_SECONDS = 2.0; // for one check, over all servers, a key set and a list included
    public const PROVISIONAL_SECONDS = 72 * 3600;
    private const BACKOFF_MIN = 900;
    private const BACKOFF_MAX = 5 * 3600; // 6 h with the longest jitter
    private const CHECK_LATEST = 7 * 86400;
    private const KEY_SET_SECONDS = 86400; // between two looks for a newer key set
    private const KEY_SET_SECONDS_MIN = 900; // the same when a token names a key that is not known
    private const ANSWER_BYTES_MAX = 65536;
    private const HEAD_BYTES_MAX = 8192;
    private const ENDING = ['REVOKED', 'SUSPENDED', 'EXPIRED', 'NOT_ACTIVATED'];

    private string $key;
    private string $jwks;
    private ?string $root;
    private ?string $product;
    private ?string $issuer;
    private array $servers;
    private string $directory;
    private array $installation;
    private string $identity;
    /** @var callable(): int */
    private $clock;

    /**
     * @param array         $settings 'key', 'domain', 'product', 'issuer', 'jwks' and 'root' (JSON text; one may be
     *                                left out), 'servers' (list of base addresses), 'state' (a directory of this
     *                                installation, outside the web root), and if used 'address', 'installation_id'.
     *                                All stored at installation: nothing is ever taken from a visitor's request.
     * @param callable|null $clock    unix seconds; for tests
     */
    public function __construct(array $settings, ?callable $clock = null)
    {
        $this->key = trim((string) ($settings['key'] ?? ''));
        $this->root = $settings['root'] ?? null;
        $this->jwks = (string) ($settings['jwks'] ?? ($this->root === null ? '' : '{"keys":[]}'));
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
     * - key_set, revocations: number of the signed key set and of the list of revoked licenses held, 0 for none
     */
    public function status(): array
    {
        $state = $this->readState();
        $now = ($this->clock)();
        $time = max($now, $state['highest_seen']);
        $status = [
            'state' => 'unlicensed', 'usable' => false, 'code' => null, 'message' => '', 'plan' => null,
            'features' => [], 'token_expires' => null, 'license_expires' => null,
            'next_check' => $state['next_attempt'], 'key_set' => 0, 'revocations' => 0, 'warnings' => [],
        ];
        if ($now < $state['highest_seen'] - SignetToken::CLOCK_TOLERANCE) {
            $status['warnings'][] = 'clock_set_back';
        }
        if ($state['corrupt']) {
            $status['warnings'][] = 'state_unreadable';
        }
        if (!is_writable(is_dir($this->directory) ? $this->directory : dirname($this->directory))) {
            $status['warnings'][] = 'state_not_writable';
        }
        array_push($status['warnings'], ...array_values(array_filter([$state['error'], $state['notice']], 'strlen')));
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
        $trust = $this->trust();
        $status['key_set'] = $trust['key_set']->seq ?? 0;
        $status['revocations'] = $trust['revocations']->seq ?? 0;
        $claims = $this->held($time, $trust);
        if ($claims instanceof stdClass) {
            return [
                'state' => $state['error'] === '' ? 'licensed' : 'outage', 'usable' => true,
                'code' => $state['refused'] ?: $state['verdict'] ?: null, 'message' => $state['message'],
                'plan' => $claims->plan, 'features' => $claims->feat,
                'token_expires' => $claims->exp, 'license_expires' => $claims->lic_exp,
            ] + $status;
        }
        $provisionalUntil = $state['provisional_since'] + self::PROVISIONAL_SECONDS;
        if ($claims === 'revoked') {
            $message = 'The vendor revoked this license.';
            return ['state' => 'ended', 'code' => $claims, 'message' => $message] + $status;
        }
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
        $decision = $this->locked(function () use ($now, $force): string {
            $state = $this->readState();
            if ($this->problem() !== null) {
                $state['unverifiable_since'] = $state['unverifiable_since'] ?: $now;
                return $this->writeState($state) ? 'unverifiable' : 'not_recorded';
            }
            $hasToken = $this->held($now, $this->trust()) instanceof stdClass;
            $isLost = !$hasToken && $state['failures'] === 0; // the token was there and is not: do not wait
            $waits = $now < $state['next_attempt'] && $state['next_attempt'] <= $now + self::CHECK_LATEST;
            if ($waits && !$isLost && !$force) {
                return 'not_due';
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
        $nonce = rtrim(strtr(base64_encode(random_bytes(16)), '+/', '-_'), '='); // nobody can have this answer already
        [$answer, $notice] = $this->consult($nonce, $now);
        return $this->locked(function () use ($answer, $nonce, $notice, $now): string {
            return $this->learn($answer, $nonce, $notice, $now);
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
     * @param string          $notice what else went wrong
     */
    private function learn($answer, string $nonce, string $notice, int $now): string
    {
        $state = $this->readState();
        $trust = $this->trust();
        $held = $this->held($now, $trust);
        if (is_string($answer)) {
            $state['error'] = $answer;
            return $this->writeState($state) ? 'failed' : 'not_recorded';
        }
        $state['message'] = is_string($answer->message ?? null) ? substr($answer->message, 0, 500) : '';
        $state['notice'] = $notice;
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
        $claims = $this->judge($token, $now, $trust);
        $reason = is_string($claims) ? $claims : $this->stranger($claims, $nonce);
        if ($reason !== null) {
            $state['error'] = "the answer holds no token for us: $reason";
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
            'highest_seen' => $now,
        ] + $state;
        return $this->writeState($state) ? ($replace ? 'updated' : 'kept') : 'not_recorded';
    }

    /** What tells that a good token is not the answer to this question, or null. */
    private function stranger(stdClass $claims, string $nonce): ?string
    {
        if (($claims->nonce ?? null) !== $nonce) {
            return 'another nonce';
        }
        return $claims->dom === ($this->installation['domain'] ?? $claims->dom) ? null : 'another domain';
    }

    // What is trusted

    /**
     * Verifies a token by the keys and the list that are held. Never throws.
     *
     * @return stdClass|string the claims, or the code of the refusal or of what keeps this machine from verifying
     */
    public function verify(string $token)
    {
        return $this->problem()[0] ?? $this->judge($token, ($this->clock)(), $this->trust());
    }

    /**
     * Takes in a key set that the vendor's root signed: from the server, or carried here as a file. Never throws.
     *
     * @return string 'updated', 'kept' (it is held already), 'no_root', 'not_recorded', the code of the refusal, or
     *                what keeps this machine from verifying
     */
    public function takeKeySet(string $document): string
    {
        return $this->take('keys', $document, function (array $trust) use ($document): string {
            if ($this->root === null) {
                return 'no_root';
            }
            $held = $trust['key_set'];
            $root = SignetToken::root($this->root);
            $taken = SignetToken::acceptKeySet($document, $root, $held, $this->issuer, ($this->clock)());
            if (is_string($taken)) {
                return $taken;
            }
            return $held !== null && $held->document === $document ? 'kept' : 'updated';
        });
    }

    /**
     * Takes in a list of revoked licenses if it is newer than the one held, which an old list must not undo. Never
     * throws.
     *
     * @return string as takeKeySet(), or 'zlib_missing'; 'kept' for a list of the same number, 'outdated' for one
     *                before it
     */
    public function takeRevocations(string $text): string
    {
        return $this->take('revocations', $text, function (array $trust) use ($text): string {
            if (!function_exists('inflate_init')) {
                return 'zlib_missing';
            }
            $taken = SignetToken::revocations($text, $trust['keys'], $this->issuer, ($this->clock)());
            if (is_string($taken)) {
                return $taken;
            }
            $order = $taken->seq <=> ($trust['revocations']->seq ?? -1);
            return ['outdated', 'kept', 'updated'][$order + 1];
        });
    }

    /** Stores a text if `$judge` says 'updated' to it. Returns what it says. */
    private function take(string $name, string $text, callable $judge): string
    {
        return $this->problem()[0] ?? $this->locked(function () use ($name, $text, $judge): string {
            $outcome = $judge($this->trust());
            return $outcome !== 'updated' || $this->write($name, $text) ? $outcome : 'not_recorded';
        });
    }

    /**
     * The keys and the list that count now. A stored file that is damaged, or that another root or a key since revoked
     * signed, counts as none.
     *
     * @return array 'key_set' (stdClass, null while the pins hold), 'keys', 'revocations' (stdClass or null)
     */
    private function trust(): array
    {
        $document = $this->root === null ? null : $this->read('keys', SignetToken::KEY_SET_BYTES_MAX);
        $set = $document === null ? null : SignetToken::restoreKeySet($document, SignetToken::root($this->root));
        $keys = $set instanceof stdClass ? $set->keys : SignetToken::keys($this->jwks);
        $canRead = function_exists('inflate_init');
        $text = $canRead ? $this->read('revocations', SignetToken::REVOCATIONS_BYTES_MAX) : null;
        $list = $text === null ? null : SignetToken::revocations($text, $keys, $this->issuer);
        return [
            'key_set' => $set instanceof stdClass ? $set : null, 'keys' => $keys,
            'revocations' => $list instanceof stdClass ? $list : null,
        ];
    }

    /** @return stdClass|string the claims, or the code of the refusal */
    private function judge(string $token, int $time, array $trust)
    {
        return SignetToken::verify(
            $token, $trust['keys'], $this->installation, $this->product, $this->issuer, $time, $trust['revocations']
        );
    }

    /**
     * The claims of the stored token if it holds at `$time`, its refusal code, or '' if there is none.
     *
     * @return stdClass|string
     */
    private function held(int $time, array $trust)
    {
        $token = $this->read('token', self::ANSWER_BYTES_MAX);
        return $token === null ? '' : $this->judge(trim($token), $time, $trust);
    }

    // The network

    /**
     * Asks the service and, after an answer, for a newer key set and list of revoked licenses, all within
     * TIMEOUT_SECONDS.
     *
     * @return array the answer (stdClass) or the text of a failure, and what else went wrong ('' for nothing)
     */
    private function consult(string $nonce, int $now): array
    {
        $until = self::seconds() + self::TIMEOUT_SECONDS;
        try {
            [$server, $answer] = $this->ask($nonce, $until);
        } catch (Throwable $failure) {
            return [$failure->getMessage(), ''];
        }
        $notices = [];
        if ($this->isKeySetDue(is_string($answer->token ?? null) ? $answer->token : '', $now)) {
            $notices[] = $this->fetch($server, 'keys', SignetToken::KEY_SET_BYTES_MAX, [$this, 'takeKeySet'], $until);
        }
        $newest = $answer->revocations->sequence ?? null;
        if (is_int($newest) && $newest > ($this->trust()['revocations']->seq ?? 0)) {
            $take = [$this, 'takeRevocations'];
            $notices[] = $this->fetch($server, 'revocations', SignetToken::REVOCATIONS_BYTES_MAX, $take, $until);
        }
        return [$answer, implode('; ', array_filter($notices, 'strlen'))];
    }

    /**
     * The first server with a readable 200 answer to this very question, and the answer.
     *
     * @throws RuntimeException if there is none
     */
    private function ask(string $nonce, float $until): array
    {
        $body = (string) json_encode(array_filter([
            'license_key' => $this->key, 'domain' => $this->installation['domain'],
            'ip_address' => $this->installation['address'], 'product' => $this->product,
            'installation_id' => $this->installation['installation_id'], 'nonce' => $nonce,
        ], 'is_string'), JSON_UNESCAPED_SLASHES);
        $error = 'no server is set';
        foreach ($this->servers as $index => $server) {
            try {
                $share = ($until - self::seconds()) / (count($this->servers) - $index);
                $url = rtrim($server, '/') . '/api/v1/installer/validate';
                [$status, $content] = self::http('POST', $url, $body, self::seconds() + $share, self::ANSWER_BYTES_MAX);
                $answer = $status === 200 ? SignetToken::json($content) : null;
                if ($status !== 200) {
                    $error = "$server: HTTP $status";
                } elseif (!is_bool($answer->valid ?? null) || !is_string($answer->code ?? null)) {
                    $error = "$server: the answer is not readable";
                } elseif (($answer->nonce ?? null) !== $nonce) {
                    $error = "$server: this is the answer to another question";
                } else {
                    return [$server, $answer];
                }
            } catch (RuntimeException $failure) {
                $error = "$server: " . $failure->getMessage();
            }
        }
        throw new RuntimeException($error);
    }

    /**
     * Whether to ask for a newer key set; written down before it is done. Once a day, and when a token names a key that
     * is not known: perhaps it is new.
     */
    private function isKeySetDue(string $token, int $now): bool
    {
        if ($this->root === null) {
            return false;
        }
        return $this->locked(function () use ($token, $now): string {
            $state = $this->readState();
            $isUnknown = $this->judge($token, $now, $this->trust()) === 'unknown_key';
            $since = $now - $state['keys_asked'];
            if ($since >= 0 && $since < ($isUnknown ? self::KEY_SET_SECONDS_MIN : self::KEY_SET_SECONDS)) {
                return 'not_due';
            }
            return $this->writeState(['keys_asked' => $now] + $state) ? 'due' : 'not_recorded';
        }) === 'due';
    }

    /** Fetches a signed text and takes it in. Returns what went wrong, for people, or '': nothing depends on it. */
    private function fetch(string $server, string $name, int $bytesMax, callable $take, float $until): string
    {
        try {
            $url = rtrim($server, '/') . "/api/v1/installer/$name";
            [$status, $content] = self::http('GET', $url, null, $until, $bytesMax);
            if ($status === 404 && $name === 'keys') {
                return ''; // the vendor has signed none: the pins hold
            }
            $outcome = $status === 200 ? $take($content) : "HTTP $status";
        } catch (Throwable $failure) {
            $outcome = $failure->getMessage();
        }
        return $outcome === 'updated' || $outcome === 'kept' ? '' : "$name: $outcome";
    }

    /**
     * Returns status and body of an answer, or throws RuntimeException, before `$until`. Written on a socket because
     * PHP's http wrapper limits each read, not the whole. (The look-up of the name is the system's to limit.)
     */
    private static function http(string $method, string $url, ?string $body, float $until, int $bytesMax): array
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
        $request = "$method {$part['path']} HTTP/1.1\r\nHost: $host:$port\r\nConnection: close\r\n";
        $request .= $body === null ? "\r\n"
            : "Content-Type: application/json\r\nContent-Length: " . strlen($body) . "\r\n\r\n$body";
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
            $bytes = (string) @fread($socket, 65536);
            $answer .= $bytes;
            if (strlen($answer) > $bytesMax + self::HEAD_BYTES_MAX) {
                throw new RuntimeException("$host:$port answers too much");
            }
            if ($bytes === '' && !feof($socket)) {
                self::waitFor($socket, null, $until);
            }
        }
        fclose($socket);
        [$head, $content] = explode("\r\n\r\n", $answer, 2) + ['', ''];
        if (preg_match('~^HTTP/1\.[01] (\d{3})~', $head, $found) !== 1) {
            throw new RuntimeException("$host:$port answers no HTTP");
        }
        $isChunked = preg_match('~\r\ntransfer-encoding:[^\r]*chunked~i', $head) === 1;
        return [(int) $found[1], $isChunked ? self::unchunked($content) : $content];
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
            $this->root === null ?: SignetToken::root($this->root);
        } catch (InvalidArgumentException $failure) {
            return ['key_set_unusable', $failure->getMessage()];
        }
        return null;
    }

    /** What is remembered between checks; for another key or domain nothing but the two first members. */
    private function readState(): array
    {
        $fresh = [
            'provisional_since' => 0, 'highest_seen' => 0,
            'unverifiable_since' => 0, 'failures' => 0, 'next_attempt' => 0,
            'refused' => '', 'ended' => '', 'verdict' => '', 'error' => '', 'message' => '', 'notice' => '',
            'keys_asked' => 0, 'for' => $this->identity,
        ];
        $text = $this->read('state.json', self::ANSWER_BYTES_MAX);
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

    private function read(string $name, int $bytesMax): ?string
    {
        $path = "$this->directory/$name";
        $text = is_file($path) ? @file_get_contents($path, false, null, 0, $bytesMax) : false;
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
