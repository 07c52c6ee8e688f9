// Package signetlicense keeps one installation licensed and verifies its license token without a network
// (docs/token-format.md). Go 1.19 or later on Unix, standard library only. README.md shows how to build it in.
package signetlicense

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Installation is what a token is bound to: canonical strings, empty where unknown.
type Installation struct {
	Domain, Address, InstallationID string
}

// Claims are the members of a token's payload, already checked: see String, Int and Strings.
type Claims map[string]any

// String is a text claim, "" for null.
func (c Claims) String(name string) string { text, _ := c[name].(string); return text }

// Int is a number claim; ok is false for null.
func (c Claims) Int(name string) (number int64, ok bool) { return integer(c[name]) }

// Strings is a list claim.
func (c Claims) Strings(name string) []string { list, _ := stringList(c[name]); return list }

// Refusal is why a token does not hold: a code of docs/token-format.md.
type Refusal string

func (r Refusal) Error() string { return string(r) }

const integerMax = 1<<53 - 1

// Verify returns the claims of a token that holds, or the code of the refusal ("" if it holds). An empty product or
// issuer accepts any; now is in unix seconds.
func Verify(token string, keys KeySet, installation Installation, product, issuer string, now int64) (Claims, Refusal) {
	if len(token) > 8192 {
		return nil, "malformed"
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, "malformed"
	}
	var decoded [3][]byte
	for index, part := range parts {
		var ok bool
		if decoded[index], ok = base64url(part); !ok {
			return nil, "malformed"
		}
	}
	header, err := readObject(decoded[0])
	if err != nil {
		return nil, "malformed"
	}
	if header["alg"] != "EdDSA" && header["alg"] != "Ed25519" {
		return nil, "unsupported_algorithm"
	}
	if header["typ"] != "lic+jwt" {
		return nil, "wrong_type"
	}
	if _, isThere := header["crit"]; isThere {
		return nil, "unsupported_critical"
	}
	kid, _ := header["kid"].(string)
	key, isPinned := keys[kid]
	if !isPinned {
		return nil, "unknown_key"
	}
	if !ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), decoded[2]) {
		return nil, "bad_signature"
	}
	object, err := readObject(decoded[1])
	claims := Claims(object)
	if err != nil || !claims.areComplete() {
		return nil, "malformed_claims"
	}
	notBefore, _ := claims.Int("nbf")
	expires, _ := claims.Int("exp")
	switch {
	case issuer != "" && claims["iss"] != issuer:
		return nil, "wrong_issuer"
	case product != "" && claims["aud"] != product:
		return nil, "wrong_product"
	case now < notBefore-300:
		return nil, "not_yet_valid"
	case now >= expires:
		return nil, "expired"
	}
	bound := make(map[string]bool)
	for _, name := range claims.Strings("bind") {
		bound[name] = true
	}
	switch {
	case bound["dom"] && claims["dom"] != installation.Domain:
		return nil, "wrong_domain"
	case bound["ip"] && claims["ip"] != installation.Address:
		return nil, "wrong_address"
	case bound["inst"] && claims["inst"] != installation.InstallationID:
		return nil, "wrong_installation"
	}
	return claims, ""
}

func (c Claims) areComplete() bool {
	isString := func(value any) bool { _, ok := value.(string); return ok }
	isInteger := func(value any) bool { _, ok := integer(value); return ok }
	isStrings := func(value any) bool { _, ok := stringList(value); return ok }
	orNull := func(is func(any) bool) func(any) bool {
		return func(value any) bool { return value == nil || is(value) }
	}
	for _, group := range []struct {
		is    func(any) bool
		names string
	}{
		{isString, "iss sub aud jti plan"},
		{isInteger, "iat nbf exp grace max used ver status next st"},
		{orNull(isInteger), "lic_exp"},
		{orNull(isString), "dom ip inst act"},
		{isStrings, "feat bind"},
	} {
		for _, name := range strings.Fields(group.names) {
			if value, isThere := c[name]; !isThere || !group.is(value) {
				return false
			}
		}
	}
	if nonce, isThere := c["nonce"]; isThere && !isString(nonce) {
		return false
	}
	seen := make(map[string]bool)
	for _, name := range c.Strings("bind") {
		isKnown := name == "dom" || name == "ip" || name == "inst"
		if !isKnown || seen[name] || c.String(name) == "" {
			return false
		}
		seen[name] = true
	}
	return len(seen) > 0
}

func integer(value any) (int64, bool) {
	text, ok := value.(json.Number)
	number, err := strconv.ParseInt(string(text), 10, 64)
	return number, ok && err == nil && number >= 0 && number <= integerMax
}

func stringList(value any) ([]string, bool) {
	list, ok := value.([]any)
	texts := make([]string, 0, len(list))
	for _, element := range list {
		text, isString := element.(string)
		ok = ok && isString
		texts = append(texts, text)
	}
	return texts, ok
}

// KeySet holds the pinned public keys by key id.
type KeySet map[string]ed25519.PublicKey

// ReadKeySet reads a JWKS; keys that are not Ed25519 are left out.
func ReadKeySet(jwks []byte) (KeySet, error) {
	whole, err := readObject(jwks)
	if err != nil {
		return nil, err
	}
	list, ok := whole["keys"].([]any)
	if !ok {
		return nil, errors.New("the key set is not a JWKS")
	}
	keys := make(KeySet)
	for _, element := range list {
		key, ok := element.(map[string]any)
		if !ok {
			return nil, errors.New("the key set holds something that is not a key")
		}
		if key["kty"] != "OKP" || key["crv"] != "Ed25519" {
			continue
		}
		x, _ := key["x"].(string)
		kid, _ := key["kid"].(string)
		raw, ok := base64url(x)
		if _, isTaken := keys[kid]; !ok || len(raw) != ed25519.PublicKeySize || kid == "" || isTaken {
			return nil, errors.New("the key set holds a damaged or repeated Ed25519 key")
		}
		keys[kid] = raw
	}
	return keys, nil
}

// base64url decodes unpadded Base64url; ok only for its one spelling. (The decoder skips line breaks by itself.)
func base64url(text string) (data []byte, ok bool) {
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return data, err == nil && text != "" && !strings.ContainsAny(text, "\r\n")
}

var errNotStrict = errors.New("not strict JSON")

// escape matches one escape of a JSON string: a surrogate pair, half of one (captured), or any other.
var escape = regexp.MustCompile(`\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)`)

// readObject reads a JSON object strictly: UTF-8, no name twice, at most 16 levels. encoding/json checks the grammar;
// here is what it lets pass.
func readObject(data []byte) (map[string]any, error) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, errNotStrict
	}
	for _, found := range escape.FindAllSubmatch(data, -1) {
		if found[1] != nil {
			return nil, errNotStrict
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	value, err := readValue(decoder, 1)
	object, ok := value.(map[string]any)
	if err != nil || !ok {
		return nil, errNotStrict
	}
	return object, nil
}

func readValue(decoder *json.Decoder, level int) (any, error) {
	token, err := decoder.Token()
	delimiter, isStructure := token.(json.Delim)
	if err != nil || !isStructure {
		return token, err
	}
	if level > 16 {
		return nil, errNotStrict
	}
	object, list := make(map[string]any), []any{}
	for decoder.More() {
		var name string
		if delimiter == '{' {
			token, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			name = token.(string)
		}
		value, err := readValue(decoder, level+1)
		if err != nil {
			return nil, err
		}
		if _, isTaken := object[name]; isTaken {
			return nil, errNotStrict
		}
		if delimiter == '{' {
			object[name] = value
		} else {
			list = append(list, value)
		}
	}
	if _, err := decoder.Token(); err != nil { // the closing bracket
		return nil, err
	}
	if delimiter == '{' {
		return object, nil
	}
	return list, nil
}
