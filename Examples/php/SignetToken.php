<?php

declare(strict_types=1);

/**
 * Verifies license tokens, signed key sets and lists of revoked licenses without a network (docs/token-format.md). PHP
 * 7.4 or later on a 64-bit machine with the sodium extension (or sodium_compat), and zlib for the lists; nothing else.
 * Every function is told the time and touches nothing.
 *
 * Keys are an array by key id: the raw public key, or null for a key that was revoked.
 */
final class SignetToken
{
    public const CLOCK_TOLERANCE = 300;
    public const KEY_SET_BYTES_MAX = 65536;
    public const REVOCATIONS_BYTES_MAX = 4194304;
    private const TOKEN_BYTES_MAX = 8192;
    private const REVOKED_KEYS_MAX = 256;
    private const REVOCATION_BITS_BYTES_MAX = 2097152; // decompressed, whatever the stream would grow to
    private const REVOCATION_NAMES_MAX = 100000;
    private const INTEGER_MAX = 9007199254740991; // 2^53 - 1
    private const CLAIMS = [
        'iss' => 'string', 'sub' => 'string', 'aud' => 'string', 'jti' => 'string', 'plan' => 'string',
        'iat' => 'integer', 'nbf' => 'integer', 'exp' => 'integer', 'grace' => 'integer', 'max' => 'integer',
        'used' => 'integer', 'ver' => 'integer', 'status' => 'integer', 'next' => 'integer', 'st' => 'integer',
        'lic_exp' => 'integer or null', 'dom' => 'string or null', 'ip' => 'string or null',
        'inst' => 'string or null', 'act' => 'string or null', 'feat' => 'strings', 'bind' => 'strings',
    ];
    private const KEY_SET_CLAIMS = [
        'iss' => 'string', 'seq' => 'integer', 'iat' => 'integer', 'exp' => 'integer', 'keys' => 'list',
        'revoked' => 'list',
    ];
    private const REVOCATION_CLAIMS = [
        'iss' => 'string', 'sub' => 'string', 'iat' => 'integer', 'exp' => 'integer', 'ttl' => 'integer',
        'seq' => 'integer', 'status_list' => 'object', 'act' => 'strings', 'lic' => 'strings',
    ];
    private const BINDINGS = [
        'dom' => ['domain', 'wrong_domain'],
        'ip' => ['address', 'wrong_address'],
        'inst' => ['installation_id', 'wrong_installation'],
    ];

    // The three signed texts

    /**
     * Verifies a license token.
     *
     * @param array         $keys         of keys(), or the keys of an accepted key set
     * @param array         $installation 'domain', 'address', 'installation_id': canonical strings, or null if unknown
     * @param int           $now          unix seconds
     * @param stdClass|null $revocations  the list that is held, see revocations()
     * @return stdClass|string            the claims, or the code of the refusal
     * @throws RuntimeException if sodium is missing
     */
    public static function verify(
        string $token, array $keys, array $installation, ?string $product, ?string $issuer, int $now,
        ?stdClass $revocations = null
    ) {
        $claims = self::open($token, self::TOKEN_BYTES_MAX, 'lic+jwt', $keys);
        if (is_string($claims)) {
            return $claims;
        }
        if (!self::areClaims($claims)) {
            return 'malformed_claims';
        }
        if ($issuer !== null && $claims->iss !== $issuer) {
            return 'wrong_issuer';
        }
        if ($product !== null && $claims->aud !== $product) {
            return 'wrong_product';
        }
        if ($now < $claims->nbf - self::CLOCK_TOLERANCE) {
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
        return $revocations !== null && self::isRevoked($claims, $revocations) ? 'revoked' : $claims;
    }

    /**
     * Judges a key set that just arrived.
     *
     * @param array         $root of root()
     * @param stdClass|null $held the set accepted before: an older one, or another of the same number, is refused
     * @return stdClass|string    as restoreKeySet()
     */
    public static function acceptKeySet(string $document, array $root, ?stdClass $held, ?string $issuer, int $now)
    {
        $set = self::restoreKeySet($document, $root);
        if (is_string($set)) {
            return $set;
        }
        $refusal = self::newsRefusal($set, $issuer, $now);
        if ($refusal !== null) {
            return $refusal;
        }
        return $held !== null && $document !== $held->document && $set->seq <= $held->seq ? 'outdated' : $set;
    }

    /**
     * Reads a key set that was accepted before. Its end does not matter: a vendor's silence makes no license invalid.
     *
     * @return stdClass|string 'seq', 'keys' for verify(), 'document'; or the code of the refusal
     */
    public static function restoreKeySet(string $document, array $root)
    {
        $claims = self::open($document, self::KEY_SET_BYTES_MAX, 'keyset+jwt', $root);
        if (is_string($claims)) {
            return $claims;
        }
        if (!self::have($claims, self::KEY_SET_CLAIMS) || $claims->seq < 1) {
            return 'malformed_claims';
        }
        try {
            $keys = self::keysOf($claims->keys);
        } catch (InvalidArgumentException $failure) {
            return 'malformed_claims';
        }
        if ($keys === [] || count($claims->revoked) > self::REVOKED_KEYS_MAX) {
            return 'malformed_claims';
        }
        foreach ($claims->revoked as $entry) {
            $kid = $entry->kid ?? null;
            if (!is_string($kid) || $kid === '' || !self::isOfType($entry->at ?? null, 'integer')
                || array_key_exists($kid, $keys)) {
                return 'malformed_claims';
            }
            $keys[$kid] = null;
        }
        $claims->keys = $keys;
        $claims->document = $document;
        return $claims;
    }

    /**
     * Reads a list of revoked licenses.
     *
     * @param int|null $now for a list that just arrived; null for one that is held, which keeps counting after its end
     * @return stdClass|string 'iss', 'seq', 'bits', 'act', 'lic' (the two by name); or the code of the refusal
     * @throws RuntimeException if sodium or zlib is missing
     */
    public static function revocations(string $text, array $keys, ?string $issuer, ?int $now = null)
    {
        $claims = self::open($text, self::REVOCATIONS_BYTES_MAX, 'statuslist+jwt', $keys);
        if (is_string($claims)) {
            return $claims;
        }
        foreach (['act', 'lic'] as $name) {
            $claims->$name = property_exists($claims, $name) ? $claims->$name : [];
        }
        if (!self::have($claims, self::REVOCATION_CLAIMS)
            || max(count($claims->act), count($claims->lic)) > self::REVOCATION_NAMES_MAX) {
            return 'malformed_claims';
        }
        $claims->bits = self::statusBits($claims->status_list);
        if ($claims->bits === null) {
            return 'malformed_claims';
        }
        $claims->act = array_fill_keys($claims->act, true);
        $claims->lic = array_fill_keys($claims->lic, true);
        return self::newsRefusal($claims, $issuer, $now) ?? $claims;
    }

    /** @return stdClass|string the claims of a signed text whose type is `$kind`, or the code of the refusal */
    private static function open(string $text, int $bytesMax, string $kind, array $keys)
    {
        $parts = strlen($text) > $bytesMax ? [] : explode('.', $text);
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
        if (($header->typ ?? null) !== $kind) {
            return 'wrong_type';
        }
        if (property_exists($header, 'crit')) {
            return 'unsupported_critical';
        }
        $kid = $header->kid ?? null;
        if (!is_string($kid) || !array_key_exists($kid, $keys)) {
            return 'unknown_key';
        }
        if ($keys[$kid] === null) {
            return 'revoked_key';
        }
        if (!self::isSigned($signature, "$parts[0].$parts[1]", $keys[$kid])) {
            return 'bad_signature';
        }
        $claims = self::json($payload);
        return $claims instanceof stdClass ? $claims : 'malformed_claims';
    }

    /** Why a key set or list is not taken in as news, or null. */
    private static function newsRefusal(stdClass $claims, ?string $issuer, ?int $now): ?string
    {
        if ($issuer !== null && $claims->iss !== $issuer) {
            return 'wrong_issuer';
        }
        if ($now !== null && $now < $claims->iat - self::CLOCK_TOLERANCE) {
            return 'not_yet_valid';
        }
        return $now !== null && $now >= $claims->exp ? 'expired' : null;
    }

    private static function isRevoked(stdClass $claims, stdClass $revocations): bool
    {
        if ($revocations->iss !== $claims->iss) {
            return false; // it says nothing about another issuer's licenses
        }
        return self::isBitSet($revocations, $claims->status)
            || ($claims->act !== null && isset($revocations->act[$claims->act]));
    }

    /** Whether the license with this status index is revoked. One beyond the end is newer than the list. */
    public static function isBitSet(stdClass $revocations, int $status): bool
    {
        $byte = $revocations->bits[intdiv($status, 8)] ?? "\0";
        return (ord($byte) >> $status % 8 & 1) === 1;
    }

    /** One bit for each license, least significant first; null unless it is one whole ZLIB stream of permitted size. */
    private static function statusBits(stdClass $list): ?string
    {
        if (!function_exists('inflate_init')) {
            throw new RuntimeException('the zlib extension is missing');
        }
        $compressed = is_string($list->lst ?? null) ? self::base64url($list->lst) : null;
        if ($compressed === null || ($list->bits ?? null) !== 1) {
            return null;
        }
        $stream = inflate_init(ZLIB_ENCODING_DEFLATE);
        $bits = '';
        foreach (str_split($compressed, 1024) as $piece) { // small pieces, so that none can grow beyond a megabyte
            $isOver = inflate_get_status($stream) === ZLIB_STREAM_END;
            $more = $isOver ? false : @inflate_add($stream, $piece);
            if ($more === false || strlen($bits .= $more) > self::REVOCATION_BITS_BYTES_MAX) {
                return null;
            }
        }
        $isWhole = inflate_get_status($stream) === ZLIB_STREAM_END
            && inflate_get_read_len($stream) === strlen($compressed);
        return $isWhole ? $bits : null;
    }

    // Keys

    /** Whether this PHP can verify at all. */
    public static function hasSodium(): bool
    {
        return function_exists('sodium_crypto_sign_verify_detached');
    }

    /**
     * Reads a JWKS; keys that are not Ed25519 are left out.
     *
     * @return array<string, ?string>
     * @throws InvalidArgumentException if the set is unusable
     */
    public static function keys(string $jwks): array
    {
        $set = self::json($jwks);
        if (!$set instanceof stdClass || !is_array($set->keys ?? null)) {
            throw new InvalidArgumentException('the key set is not a JWKS');
        }
        return self::keysOf($set->keys);
    }

    /** The pinned root, a JWK, as keys for acceptKeySet(). Throws InvalidArgumentException if it is no Ed25519 key. */
    public static function root(string $jwk): array
    {
        $root = self::keysOf([self::json($jwk)]);
        if ($root === []) {
            throw new InvalidArgumentException('the root is no Ed25519 key');
        }
        return $root;
    }

    private static function keysOf(array $entries): array
    {
        $keys = [];
        foreach ($entries as $key) {
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

    // Claims

    private static function areClaims(stdClass $claims): bool
    {
        if (!self::have($claims, self::CLAIMS)) {
            return false;
        }
        foreach ($claims->bind as $name) {
            if (!isset(self::BINDINGS[$name]) || $claims->$name === null || $claims->$name === '') {
                return false;
            }
        }
        return $claims->bind !== [] && count(array_unique($claims->bind)) === count($claims->bind)
            && (!property_exists($claims, 'nonce') || is_string($claims->nonce));
    }

    /** @param array<string, string> $types */
    private static function have(stdClass $claims, array $types): bool
    {
        foreach ($types as $name => $type) {
            if (!property_exists($claims, $name) || !self::isOfType($claims->$name, $type)) {
                return false;
            }
        }
        return true;
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
            case 'object':
                return $value instanceof stdClass;
            case 'list':
                return is_array($value);
            default:
                return is_array($value) && array_filter($value, 'is_string') === $value;
        }
    }

    // Spelling

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
        $names = [];
        $hasDuplicate = false;
        $look = static function (array $token) use (&$names, &$hasDuplicate): string {
            if ($token[0] === '{' || $token[0] === '[') {
                $names[] = [];
            } elseif ($token[0] === '}' || $token[0] === ']') {
                array_pop($names);
            } elseif (isset($token[2])) {
                $name = json_decode($token[1]);
                $hasDuplicate = $hasDuplicate || isset($names[count($names) - 1][$name]);
                $names[count($names) - 1][$name] = true;
            }
            return '';
        };
        $rest = preg_replace_callback('/("(?:[^"\\\\]++|\\\\.)*+")(\s*+:)?|[{}[\]]/', $look, $text);
        return $rest === null || $hasDuplicate ? null : $value;
    }
}
