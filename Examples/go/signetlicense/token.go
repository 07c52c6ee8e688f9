// Package signetlicense keeps one installation licensed and verifies its license token without a network
// (docs/token-format.md). Go 1.19 or later on Unix, standard library only. README.md shows how to build it in.
package signetlicense

import (
	"crypto/ed25519"
	"errors"
	"strings"
)

const (
	tokenBytesMax  = 8192
	clockTolerance = 300
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

// Verify returns the claims of a token that holds, or the code of the refusal ("" if it holds). An empty product or
// issuer accepts any; now is in unix seconds; revocations is the list that is held, or nil.
func Verify(
	token string, keys KeySet, installation Installation, product, issuer string, now int64, revocations *Revocations,
) (Claims, Refusal) {
	claims, refusal := open(token, tokenBytesMax, "lic+jwt", keys)
	if refusal != "" {
		return nil, refusal
	}
	if !claims.areComplete() {
		return nil, "malformed_claims"
	}
	notBefore, _ := claims.Int("nbf")
	expires, _ := claims.Int("exp")
	switch {
	case issuer != "" && claims["iss"] != issuer:
		return nil, "wrong_issuer"
	case product != "" && claims["aud"] != product:
		return nil, "wrong_product"
	case now < notBefore-clockTolerance:
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
	case revocations.revokes(claims):
		return nil, "revoked"
	}
	return claims, ""
}

// open returns the claims of a signed text whose type is kind, or the code of the refusal.
func open(text string, bytesMax int, kind string, keys KeySet) (Claims, Refusal) {
	parts := strings.Split(text, ".")
	if len(text) > bytesMax || len(parts) != 3 {
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
	kid, _ := header["kid"].(string)
	key, isKnown := keys[kid]
	_, isCritical := header["crit"]
	switch {
	case header["alg"] != "EdDSA" && header["alg"] != "Ed25519":
		return nil, "unsupported_algorithm"
	case header["typ"] != kind:
		return nil, "wrong_type"
	case isCritical:
		return nil, "unsupported_critical"
	case !isKnown:
		return nil, "unknown_key"
	case key == nil:
		return nil, "revoked_key"
	case !ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), decoded[2]):
		return nil, "bad_signature"
	}
	claims, err := readObject(decoded[1])
	if err != nil {
		return nil, "malformed_claims"
	}
	return claims, ""
}

// newsRefusal tells why a key set or list is not taken in as news; "" if it may be.
func newsRefusal(claims Claims, issuer string, now int64) Refusal {
	issued, _ := claims.Int("iat")
	expires, _ := claims.Int("exp")
	switch {
	case issuer != "" && claims["iss"] != issuer:
		return "wrong_issuer"
	case now < issued-clockTolerance:
		return "not_yet_valid"
	case now >= expires:
		return "expired"
	}
	return ""
}

// are tells whether each claim is there and of its type: rows of a test and the names it is for.
func (c Claims) are(rows ...claimRow) bool {
	for _, row := range rows {
		for _, name := range strings.Fields(row.names) {
			if value, isThere := c[name]; !isThere || !row.is(value) {
				return false
			}
		}
	}
	return true
}

type claimRow struct {
	is    func(any) bool
	names string
}

func (c Claims) areComplete() bool {
	orNull := func(is func(any) bool) func(any) bool {
		return func(value any) bool { return value == nil || is(value) }
	}
	if nonce, isThere := c["nonce"]; isThere && !isString(nonce) {
		return false
	}
	if !c.are(
		claimRow{isString, "iss sub aud jti plan"},
		claimRow{isInteger, "iat nbf exp grace max used ver status next st"},
		claimRow{orNull(isInteger), "lic_exp"},
		claimRow{orNull(isString), "dom ip inst act"},
		claimRow{isStrings, "feat bind"},
	) {
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

// KeySet holds public keys by key id; nil for a key that was revoked.
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
	return keysOf(list)
}

func keysOf(list []any) (KeySet, error) {
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
