package signetlicense

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode"
)

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// IsWellFormed tells whether a license key can be one: 15 symbols and the check symbol that belongs to them.
func IsWellFormed(key string) bool {
	typed := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.In(r, unicode.Z, unicode.Pd), r == '\u2212':
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, key)
	symbols := strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(typed)
	if len(symbols) != 16 {
		return false
	}
	sum := 0 // in GF(32) modulo x^5 + x^2 + 1: symbol i counts x^i times
	for place := 15; place >= 0; place-- {
		value := strings.IndexByte(crockford, symbols[place])
		if value < 0 {
			return false
		}
		if sum <<= 1; sum&32 != 0 {
			sum ^= 0b100101
		}
		sum ^= value
	}
	return sum == 0
}

var (
	scheme    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)
	aroundIt  = regexp.MustCompile(`(?s)^[^/?#]*@|[/?#].*$`)
	port      = regexp.MustCompile(`:[0-9]*$`)
	inBracket = regexp.MustCompile(`^\[(.*:.*)\]$`)
	label     = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
	digits    = regexp.MustCompile(`^[0-9]+$`)
	doubleWWW = regexp.MustCompile(`^www\.www\.[^.]+\.`) // would lose one now and one when read again: it loses none
)

// CanonicalDomain is the canonical form of a domain (or of an address, for an installation without a name), or "".
// A name outside ASCII is not converted here: configure its A-label (xn--…), or convert it with golang.org/x/net/idna.
func CanonicalDomain(text string) string {
	host := aroundIt.ReplaceAllString(scheme.ReplaceAllString(strings.Trim(text, " \t\r\n"), ""), "")
	for _, literal := range []string{text, port.ReplaceAllString(host, "")} {
		if address := CanonicalAddress(literal); address != "" {
			return address
		}
	}
	if host = port.ReplaceAllString(host, ""); !isASCII(host) {
		return ""
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if rest := strings.TrimPrefix(host, "www."); strings.Contains(rest, ".") && !doubleWWW.MatchString(host) {
		host = rest
	}
	labels := strings.Split(host, ".")
	for _, each := range labels {
		if !label.MatchString(each) {
			return ""
		}
	}
	if len(host) > 253 || digits.MatchString(labels[len(labels)-1]) {
		return ""
	}
	return host
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

// CanonicalAddress is the canonical text (RFC 5952) of an address, or "".
func CanonicalAddress(text string) string {
	address, err := netip.ParseAddr(inBracket.ReplaceAllString(strings.Trim(text, " \t\r\n"), "$1"))
	if err != nil || address.Zone() != "" {
		return ""
	}
	return address.Unmap().String()
}
