//go:build unix

package signetlicense

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// timeout is for one check, over all servers, a key set and a list of revoked licenses included.
	timeout          = 2 * time.Second
	keySetSeconds    = 86400 // between two looks for a newer key set
	keySetSecondsMin = 900   // the same when a token names a key that is not known
	answerBytesMax   = 65536
)

func newNonce() (string, error) {
	random := make([]byte, 16)
	_, err := rand.Read(random)
	return base64.RawURLEncoding.EncodeToString(random), err
}

// consult asks the service and, after an answer, for a newer key set and list of revoked licenses, all within the
// timeout. notice is what went wrong beside the answer.
func (l *License) consult(nonce string, now int64) (answer map[string]any, notice string, failure error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	server, answer, failure := l.ask(ctx, nonce)
	if failure != nil {
		return nil, "", failure
	}
	var notices []string
	token, _ := answer["token"].(string)
	if l.keySetIsDue(token, now) {
		notices = append(notices, fetch(ctx, server, "keys", keySetBytesMax, l.TakeKeySet))
	}
	named, _ := answer["revocations"].(map[string]any)
	if newest, ok := integer(named["sequence"]); ok && newest > l.trust().sequence() {
		notices = append(notices, fetch(ctx, server, "revocations", revocationsBytesMax, l.TakeRevocations))
	}
	return answer, strings.TrimPrefix(strings.Join(notices, ""), "; "), nil
}

// ask returns the first server with a readable 200 answer to this very question, and the answer.
func (l *License) ask(ctx context.Context, nonce string) (server string, answer map[string]any, failure error) {
	request := make(map[string]string)
	for name, value := range map[string]string{
		"license_key": l.settings.Key, "domain": l.Installation.Domain, "ip_address": l.Installation.Address,
		"product": l.settings.Product, "installation_id": l.Installation.InstallationID, "nonce": nonce,
	} {
		if value != "" {
			request[name] = value
		}
	}
	body, err := json.Marshal(request)
	if err != nil {
		return "", nil, err
	}
	until, _ := ctx.Deadline()
	failure = errors.New("no server is set")
	for index, server := range l.settings.Servers {
		share := time.Until(until) / time.Duration(len(l.settings.Servers)-index)
		if answer, failure = askOne(ctx, server, body, nonce, share); failure == nil {
			return server, answer, nil
		}
		failure = fmt.Errorf("%s: %w", server, failure)
	}
	return "", nil, failure
}

func askOne(ctx context.Context, server string, body []byte, nonce string, share time.Duration) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(ctx, share)
	defer cancel()
	status, data, err := send(ctx, http.MethodPost, server, "validate", body, answerBytesMax)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("HTTP %d", status)
	}
	answer, err := readObject(data)
	_, hasVerdict := answer["valid"].(bool)
	if err != nil || !hasVerdict || !isString(answer["code"]) {
		return nil, errors.New("the answer is not readable")
	}
	if answer["nonce"] != nonce {
		return nil, errors.New("this is the answer to another question")
	}
	return answer, nil
}

// keySetIsDue tells whether to ask for a newer key set; it is written down before it is done. Once a day, and when a
// token names a key that is not known: perhaps it is new.
func (l *License) keySetIsDue(token string, now int64) (isDue bool) {
	if l.root == nil {
		return false
	}
	err := l.locked(func() error {
		state, _ := l.readState()
		wait := int64(keySetSeconds)
		if _, refusal := l.judge(token, now, l.trust()); refusal == "unknown_key" {
			wait = keySetSecondsMin
		}
		since := now - state.KeysAsked
		if isDue = since < 0 || since >= wait; !isDue {
			return nil
		}
		state.KeysAsked = now
		return l.writeState(state)
	})
	return isDue && err == nil
}

// fetch fetches a signed text and takes it in. It returns what went wrong, for people, or "": nothing depends on it.
func fetch(ctx context.Context, server, name string, bytesMax int64, take func(string) string) string {
	status, data, err := send(ctx, http.MethodGet, server, name, nil, bytesMax)
	var outcome string
	switch {
	case err != nil:
		outcome = err.Error()
	case status == http.StatusNotFound && name == "keys":
		return "" // the vendor has signed none: the pins hold
	case status != http.StatusOK:
		outcome = fmt.Sprintf("HTTP %d", status)
	default:
		outcome = take(string(data))
	}
	if outcome == "updated" || outcome == "kept" {
		return ""
	}
	return "; " + name + ": " + outcome
}

var client = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send returns status and body of an answer.
func send(
	ctx context.Context, method, server, name string, body []byte, bytesMax int64,
) (status int, data []byte, err error) {
	url := strings.TrimRight(server, "/") + "/api/v1/installer/" + name
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	data, err = io.ReadAll(io.LimitReader(response.Body, bytesMax+1))
	if err == nil && int64(len(data)) > bytesMax {
		err = errors.New("the answer is too long")
	}
	return response.StatusCode, data, err
}
