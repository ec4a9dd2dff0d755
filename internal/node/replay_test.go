package node_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/client"
)

// TestPscale replays what pscale sends, byte for byte, and decodes the answers
// as PlanetScale's Go SDK would.
func TestPscale(t *testing.T) {
	w := start(t, "", nil)
	r := &replay{world: w, types: readTypes(t), names: map[string]string{}}
	script, err := os.ReadFile("testdata/pscale.txt")
	require.NoError(t, err)
	command := ""
	for line := range strings.Lines(string(script)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "":
		case strings.HasPrefix(line, "# "):
			command = line[2:]
		case strings.HasPrefix(line, "#"):
		default:
			r.line(command, line)
		}
	}
}

type replay struct {
	*world
	types  map[string][]typedField
	names  map[string]string
	answer client.Object
	path   string
}

var request = regexp.MustCompile(`^([A-Z]+) (\S+)(?: (\{.*\}))? -> (\d+) ?(.*)$`)

func (r *replay) line(command, line string) {
	r.Helper()
	for name, value := range r.names {
		line = strings.ReplaceAll(line, "{"+name+"}", value)
	}
	fields := strings.SplitN(line, " ", 3)
	switch fields[0] {
	case "wait":
		r.wait(fields[1], fields[2])
	case "keep":
		r.names[fields[1]] = r.answer.Text(fields[2])
	case "ddl":
		r.exec(r.open("ai", fields[1], "admin", "ai"), fields[2])
	case "state":
		r.state(fields[1])
	default:
		m := request.FindStringSubmatch(line)
		require.NotNil(r, m, line)
		r.request(command, m[1], expand(m[2]), strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(m[3]), m[4], m[5])
	}
}

func expand(path string) string {
	const organization = "/v1/organizations/acme"
	switch path[0] {
	case 'O':
		return organization + path[1:]
	case 'D':
		return organization + "/databases/ai" + path[1:]
	case 'B':
		return organization + "/databases/ai/branches/feat" + path[1:]
	}
	return path
}

// send writes the request as pscale does, header for header, on a connection
// of its own.
func (r *replay) send(method, path, body string) (int, []byte) {
	r.Helper()
	base, err := url.Parse(r.operator.API)
	require.NoError(r, err)
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: pscale-cli/0.312.0 planetscale-go/unknown\r\nConnection: close\r\n", method, path, base.Host)
	if method != "GET" && method != "DELETE" || body != "" {
		fmt.Fprintf(&text, "Content-Length: %d\r\n", len(body))
	}
	fmt.Fprintf(&text, "Accept: application/json\r\nAuthorization: %s:%s\r\n", r.operator.TokenID, r.operator.Token)
	if method == "POST" || method == "PUT" || method == "PATCH" {
		text.WriteString("Content-Type: application/json\r\n")
	}
	text.WriteString("Pscale-Cli-Version: 0.312.0\r\n\r\n" + body)
	conn, err := net.Dial("tcp", base.Host)
	require.NoError(r, err)
	defer conn.Close()
	require.NoError(r, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err = conn.Write(text.Bytes())
	require.NoError(r, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(r, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(r, err)
	return response.StatusCode, answer
}

func (r *replay) request(command, method, path, body, status, shape string) {
	r.Helper()
	code, text := r.send(method, path, body)
	label := command + ": " + method + " " + path
	require.Equal(r, status, strconv.Itoa(code), "%s: %s", label, text)
	if status == "204" {
		require.Empty(r, text, label)
		return
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var answer any
	require.NoError(r, decoder.Decode(&answer), label)
	r.path, r.answer = path, nil
	if _, isObject := answer.(map[string]any); isObject {
		require.NoError(r, json.Unmarshal(text, &r.answer), label)
	}
	r.shape(label, shape, answer)
}

func (r *replay) shape(label, shape string, answer any) {
	r.Helper()
	kind, name, _ := strings.Cut(shape, " ")
	switch kind {
	case "":
	case "error":
		object, ok := answer.(map[string]any)
		require.True(r, ok, label)
		require.Equal(r, name, object["code"], label)
		require.NotEmpty(r, object["message"], label)
	case "array":
		r.elements(label, name, answer)
	case "list":
		object, ok := answer.(map[string]any)
		require.True(r, ok, label)
		r.elements(label, name, object["data"])
	default:
		r.check(label, kind, answer)
	}
}

func (r *replay) elements(label, name string, value any) {
	r.Helper()
	array, ok := value.([]any)
	require.True(r, ok, "%s: no array", label)
	for i, element := range array {
		r.check(fmt.Sprintf("%s[%d]", label, i), name, element)
	}
}

type typedField struct{ name, kind string }

func readTypes(t *testing.T) map[string][]typedField {
	t.Helper()
	text, err := os.ReadFile("testdata/sdk.txt")
	require.NoError(t, err)
	types := map[string][]typedField{}
	current := ""
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] == "#":
		case strings.HasPrefix(line, "  "):
			types[current] = append(types[current], typedField{fields[0], strings.Join(fields[1:], " ")})
		default:
			current = fields[0]
			types[current] = []typedField{}
		}
	}
	return types
}

// check tells whether Go's JSON decoder would fill the SDK's type without an
// error, and whether any of its fields would silently stay empty.
func (r *replay) check(label, name string, value any) {
	r.Helper()
	fields, known := r.types[name]
	require.True(r, known, "%s: type %s", label, name)
	object, ok := value.(map[string]any)
	require.True(r, ok, "%s: a %s must be an object", label, name)
	for _, f := range fields {
		content, present := object[f.name]
		if !present && (f.name == "token" || f.name == "ttl") {
			continue // only in the answer to create
		}
		if !present && strings.HasSuffix(label, ".database_branch") {
			continue // a password names its branch, PlanetScale's answer too
		}
		require.True(r, present, "%s: %s lacks %q", label, name, f.name)
		r.value(label+"."+f.name, f.kind, content)
	}
}

func (r *replay) value(label, kind string, value any) {
	r.Helper()
	if value == nil {
		// Go decodes null into anything, but only pointers are made for it.
		if !strings.HasPrefix(kind, "*") && kind != "time.Time" && kind != "string" && kind != "int" {
			require.Fail(r, label+" must not be null", kind)
		}
		return
	}
	kind = strings.TrimPrefix(kind, "*")
	if element, isArray := strings.CutPrefix(kind, "[]"); isArray {
		array, ok := value.([]any)
		require.True(r, ok, "%s must be an array", label)
		for i, item := range array {
			r.value(fmt.Sprintf("%s[%d]", label, i), element, item)
		}
		return
	}
	switch kind {
	case "string", "DatabaseState", "DatabaseEngine":
		require.IsType(r, "", value, label)
	case "bool":
		require.IsType(r, true, value, label)
	case "int", "int64", "uint64", "uint":
		number, ok := value.(json.Number)
		require.True(r, ok, "%s must be a number", label)
		_, err := number.Int64()
		require.NoError(r, err, "%s must be an integer", label)
	case "float64":
		require.IsType(r, json.Number(""), value, label)
	case "time.Time":
		text, ok := value.(string)
		require.True(r, ok, label)
		_, err := time.Parse(time.RFC3339, text)
		require.NoError(r, err, label)
	case "map[string]interface {}":
		require.IsType(r, map[string]any{}, value, label)
	default:
		r.check(label, kind, value)
	}
}

// wait polls as "--wait" does.
func (r *replay) wait(path, field string) {
	r.Helper()
	require.Eventually(r, func() bool {
		code, text := r.send("GET", expand(path), "")
		require.Equal(r, 200, code, "%s", text)
		object := client.Object{}
		require.NoError(r, json.Unmarshal(text, &object))
		return object.Text(field) == "true" || object.Text(field) == "ready"
	}, time.Minute, 20*time.Millisecond, "wait %s %s", path, field)
}

// state polls the last deploy request as "deploy --wait" does.
func (r *replay) state(want string) {
	r.Helper()
	path := expand("D/deploy-requests/" + r.answer.Text("number"))
	if !strings.HasSuffix(r.path, "/deploy-requests") {
		path = strings.Join(strings.Split(r.path, "/")[:8], "/")
	}
	var last []byte
	require.Eventually(r, func() bool {
		_, last = r.send("GET", path, "")
		require.NoError(r, json.Unmarshal(last, &r.answer))
		return r.answer.Text("deployment_state") == want && r.answer.Text("deployment.state") == want
	}, time.Minute, 20*time.Millisecond, "want %s: %s", want, last)
}
