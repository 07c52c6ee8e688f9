package signetlicense

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"io"
)

const (
	revocationsBytesMax = 4194304
	revocationBitsMax   = 2097152 // bytes decompressed, whatever the stream would grow to
	revocationNamesMax  = 100000
)

// Revocations is the vendor's signed list of licenses that are not to be honored.
type Revocations struct {
	Issuer      string
	Sequence    int64
	Activations map[string]bool // whose license file was ended before its time
	Licenses    map[string]bool // that have an offline key, which names no index
	bits        []byte
	claims      Claims
}

// ReceiveRevocations reads a list that just arrived.
func ReceiveRevocations(text string, keys KeySet, issuer string, now int64) (*Revocations, Refusal) {
	list, refusal := RestoreRevocations(text, keys, issuer)
	if refusal == "" {
		refusal = newsRefusal(list.claims, issuer, now)
	}
	if refusal != "" {
		return nil, refusal
	}
	return list, ""
}

// RestoreRevocations reads a list that is held: it keeps counting after its end.
func RestoreRevocations(text string, keys KeySet, issuer string) (*Revocations, Refusal) {
	claims, refusal := open(text, revocationsBytesMax, "statuslist+jwt", keys)
	if refusal != "" {
		return nil, refusal
	}
	for _, name := range []string{"act", "lic"} {
		if _, isThere := claims[name]; !isThere {
			claims[name] = []any{}
		}
	}
	isObject := func(value any) bool { _, ok := value.(map[string]any); return ok }
	if !claims.are(
		claimRow{isString, "iss sub"}, claimRow{isInteger, "iat exp ttl seq"},
		claimRow{isObject, "status_list"}, claimRow{isStrings, "act lic"},
	) {
		return nil, "malformed_claims"
	}
	activations, licenses := claims.Strings("act"), claims.Strings("lic")
	bits, ok := statusBits(claims["status_list"].(map[string]any))
	if !ok || len(activations) > revocationNamesMax || len(licenses) > revocationNamesMax {
		return nil, "malformed_claims"
	}
	if issuer != "" && claims["iss"] != issuer {
		return nil, "wrong_issuer"
	}
	sequence, _ := claims.Int("seq")
	return &Revocations{claims.String("iss"), sequence, asSet(activations), asSet(licenses), bits, claims}, ""
}

// Revokes tells whether the license with this status index is revoked. One beyond the end is newer than the list.
func (r *Revocations) Revokes(status int64) bool {
	return status/8 < int64(len(r.bits)) && r.bits[status/8]>>(status%8)&1 == 1
}

// revokes judges a token: nothing does without a list, or by one of another issuer.
func (r *Revocations) revokes(claims Claims) bool {
	if r == nil || r.Issuer != claims.String("iss") {
		return false
	}
	status, _ := claims.Int("status")
	return r.Revokes(status) || r.Activations[claims.String("act")]
}

// statusBits decompresses one bit for each license, least significant first.
func statusBits(list map[string]any) ([]byte, bool) {
	text, _ := list["lst"].(string)
	compressed, ok := base64url(text)
	if !ok || list["bits"] != json.Number("1") {
		return nil, false
	}
	stream := bytes.NewReader(compressed)
	reader, err := zlib.NewReader(stream)
	if err != nil {
		return nil, false
	}
	bits, err := io.ReadAll(io.LimitReader(reader, revocationBitsMax+1))
	return bits, err == nil && len(bits) <= revocationBitsMax && stream.Len() == 0 // nothing after it
}

func asSet(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}
