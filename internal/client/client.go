// Package client speaks the REST API, for the orrery command.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Client calls one API as one service token.
type Client struct {
	Base         string // http://host:port
	TokenID      string
	Token        string
	Organization string
}

// Object is a JSON object of an answer.
type Object map[string]any

// Text is a field as text; "" when it is missing or null.
func (o Object) Text(path string) string {
	value := o.at(path)
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return fmt.Sprintf("%.0f", v)
	default:
		return fmt.Sprint(v)
	}
}

// Number is a field as a number.
func (o Object) Number(path string) float64 {
	n, _ := o.at(path).(float64)
	return n
}

// True tells whether a field is true.
func (o Object) True(path string) bool {
	b, _ := o.at(path).(bool)
	return b
}

// Objects is a field that is an array of objects.
func (o Object) Objects(path string) []Object {
	array, _ := o.at(path).([]any)
	objects := make([]Object, 0, len(array))
	for _, item := range array {
		if m, ok := item.(map[string]any); ok {
			objects = append(objects, m)
		}
	}
	return objects
}

// Texts is a field that is an array of strings.
func (o Object) Texts(path string) []string {
	array, _ := o.at(path).([]any)
	texts := make([]string, 0, len(array))
	for _, item := range array {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// at follows a path of keys with dots.
func (o Object) at(path string) any {
	var value any = map[string]any(o)
	for key := range strings.SplitSeq(path, ".") {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[key]
	}
	return value
}

// Error is an API's refusal.
type Error struct {
	Status  int
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Message }

// Do calls a path below the organization ("databases/shop/branches") and
// decodes the answer.
func (c *Client) Do(ctx context.Context, method, path string, body any) (Object, error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(text)
	}
	address := c.Base + "/v1/organizations/" + url.PathEscape(c.Organization) + "/" + path
	request, err := http.NewRequestWithContext(ctx, method, address, reader)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", c.TokenID+":"+c.Token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("the API does not answer: %w", err)
	}
	defer response.Body.Close()
	return decode(response)
}

func decode(response *http.Response) (Object, error) {
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the API's answer: %w", err)
	}
	if len(text) == 0 && response.StatusCode < 300 {
		return nil, nil
	}
	answer := Object{}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("the API answered %s with something that is not JSON: %w", response.Status, err)
	}
	if response.StatusCode >= 300 {
		return nil, &Error{Status: response.StatusCode, Code: answer.Text("code"), Message: answer.Text("message")}
	}
	return answer, nil
}

// All reads every page of a list.
func (c *Client) All(ctx context.Context, path string) ([]Object, error) {
	var all []Object
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	for page := 1; ; page++ {
		answer, err := c.Do(ctx, http.MethodGet, fmt.Sprintf("%s%sper_page=100&page=%d", path, separator, page), nil)
		if err != nil {
			return nil, err
		}
		all = append(all, answer.Objects("data")...)
		if answer.Text("next_page") == "" {
			return all, nil
		}
	}
}

// NotFound tells whether the API said that something does not exist.
func NotFound(err error) bool {
	var refusal *Error
	return errors.As(err, &refusal) && refusal.Status == http.StatusNotFound
}
