package signetlicense

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

const integerMax = 1<<53 - 1

func isString(value any) bool  { _, ok := value.(string); return ok }
func isInteger(value any) bool { _, ok := integer(value); return ok }
func isStrings(value any) bool { _, ok := stringList(value); return ok }

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
