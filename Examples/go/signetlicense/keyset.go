package signetlicense

import "errors"

const (
	keySetBytesMax = 65536
	revokedKeysMax = 256
)

// SignedKeySet is a key set that the vendor's root signed: the only way in which a program learns of new keys.
type SignedKeySet struct {
	Document string // as it was received
	Sequence int64
	Keys     KeySet // for Verify, with those that were revoked
	claims   Claims
}

// ReadRoot reads the pinned root, one JWK, as keys for AcceptKeySet.
func ReadRoot(jwk []byte) (KeySet, error) {
	key, err := readObject(jwk)
	if err != nil {
		return nil, err
	}
	root, err := keysOf([]any{key})
	if err == nil && len(root) == 0 {
		err = errors.New("the root is no Ed25519 key")
	}
	return root, err
}

// AcceptKeySet returns the key set in a document that just arrived, or the code of the refusal. held is the one
// accepted before, or nil: an older one, or another one of the same number, is refused.
func AcceptKeySet(
	document string, root KeySet, held *SignedKeySet, issuer string, now int64,
) (*SignedKeySet, Refusal) {
	set, refusal := RestoreKeySet(document, root)
	if refusal == "" {
		refusal = newsRefusal(set.claims, issuer, now)
	}
	if refusal == "" && held != nil && document != held.Document && set.Sequence <= held.Sequence {
		refusal = "outdated"
	}
	if refusal != "" {
		return nil, refusal
	}
	return set, ""
}

// RestoreKeySet returns a key set that was accepted before. Its end does not matter: a vendor's silence makes no license
// invalid.
func RestoreKeySet(document string, root KeySet) (*SignedKeySet, Refusal) {
	claims, refusal := open(document, keySetBytesMax, "keyset+jwt", root)
	if refusal != "" {
		return nil, refusal
	}
	isList := func(value any) bool { _, ok := value.([]any); return ok }
	if !claims.are(claimRow{isString, "iss"}, claimRow{isInteger, "seq iat exp"}, claimRow{isList, "keys revoked"}) {
		return nil, "malformed_claims"
	}
	sequence, _ := claims.Int("seq")
	keys, err := keysOf(claims["keys"].([]any))
	if err != nil || len(keys) == 0 || sequence < 1 || !keys.revoke(claims["revoked"].([]any)) {
		return nil, "malformed_claims"
	}
	return &SignedKeySet{document, sequence, keys, claims}, ""
}

// revoke notes the keys that were taken back; false if the list is not as it must be.
func (k KeySet) revoke(list []any) bool {
	for _, element := range list {
		entry, _ := element.(map[string]any)
		kid, _ := entry["kid"].(string)
		if _, isTaken := k[kid]; kid == "" || isTaken || !isInteger(entry["at"]) {
			return false
		}
		k[kid] = nil
	}
	return len(list) <= revokedKeysMax
}
