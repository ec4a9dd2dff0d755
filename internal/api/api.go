// Package api is the REST API. Paths, shapes, status codes and error codes are
// those of PlanetScale's public API, so that pscale, its SDK and the Terraform
// provider work against it unchanged. It holds no rules of its own: it turns
// requests into the platform's use-cases and their results into JSON.
package api

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/orrerydb/orrery/internal/platform"
)

// maxBody is the most bytes of a request's body.
const maxBody = 1 << 20

// object is a JSON object.
type object = map[string]any

// API answers HTTP.
type API struct {
	platform *platform.Platform
	urls     URLs
	log      *slog.Logger
	mux      *http.ServeMux
}

// URLs are the addresses that answers name.
type URLs struct {
	Base     string // of the API itself: http://host:port
	MySQL    string // host:port of the gateway
	Postgres string
}

// New returns the API of a platform.
func New(p *platform.Platform, urls URLs, log *slog.Logger) *API {
	a := &API{platform: p, urls: urls, log: log, mux: http.NewServeMux()}
	a.routes()
	return a
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if _, pattern := a.mux.Handler(r); pattern == "" {
		a.fail(w, r, a.unrouted(r))
		return
	}
	a.mux.ServeHTTP(w, r)
}

// unrouted tells a wrong method from a wrong path.
func (a *API) unrouted(r *http.Request) error {
	probe := r.Clone(r.Context())
	var allowed []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		probe.Method = method
		if _, pattern := a.mux.Handler(probe); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		return &statusError{http.StatusMethodNotAllowed, "method_not_allowed", r.Method + " is not possible here; use " + strings.Join(allowed, ", ")}
	}
	return &platform.Error{Code: platform.NotFound, Message: "there is no " + r.URL.Path + " in this API"}
}

// call is one authenticated request.
type call struct {
	*http.Request
	api   *API
	token *platform.ServiceToken
	actor platform.Actor
}

func (c *call) org() string      { return c.PathValue("org") }
func (c *call) database() string { return c.PathValue("db") }
func (c *call) branch() string   { return c.PathValue("branch") }

// answer is a status and a body; a nil body is an empty answer.
type answer struct {
	status int
	body   any
}

func ok(body any) answer      { return answer{http.StatusOK, body} }
func created(body any) answer { return answer{http.StatusCreated, body} }
func empty() answer           { return answer{http.StatusNoContent, nil} }

type handler func(*call) (answer, error)

// handle routes a pattern. anyOf are the accesses of which a service token
// needs one, separated by commas; "" means that any valid token may.
func (a *API) handle(pattern, anyOf string, h handler) {
	var accesses []string
	if anyOf != "" {
		accesses = splitAccess(anyOf)
	}
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		result, err := a.answer(r, accesses, h)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		write(w, result)
	})
}

func (a *API) answer(r *http.Request, accesses []string, h handler) (answer, error) {
	token, err := a.authenticate(r)
	if err != nil {
		return answer{}, err
	}
	if !token.May(r.PathValue("db"), accesses) {
		return answer{}, &platform.Error{Code: platform.Forbidden, Message: "the service token lacks access for this: it needs " + strings.Join(accesses, " or ")}
	}
	return h(&call{Request: r, api: a, token: token, actor: token.Actor()})
}

// authenticate accepts "<id>:<token>" without a scheme word, as pscale sends
// it, and the same after "Bearer".
func (a *API) authenticate(r *http.Request) (*platform.ServiceToken, error) {
	header := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	id, secret, found := strings.Cut(header, ":")
	if !found {
		return nil, &platform.Error{Code: platform.Unauthorized, Message: "authorization is missing: send the header \"Authorization: <service token id>:<service token>\" (orrery env prints both)"}
	}
	return a.platform.Authenticate(r.Context(), id, secret)
}

func write(w http.ResponseWriter, result answer) {
	if result.body == nil {
		w.WriteHeader(result.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(result.status)
	_ = json.NewEncoder(w).Encode(result.body) //nolint:errchkjson // the client has gone
}

// statusError is a refusal with a status that no platform code has.
type statusError struct {
	status  int
	code    string
	message string
}

func (e *statusError) Error() string { return e.message }

var statusOf = map[string]int{
	platform.NotFound:      http.StatusNotFound,
	platform.Unauthorized:  http.StatusUnauthorized,
	platform.Forbidden:     http.StatusForbidden,
	platform.Invalid:       http.StatusBadRequest,
	platform.Unprocessable: http.StatusUnprocessableEntity,
}

func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *platform.Error
	var status *statusError
	switch {
	case errors.As(err, &refusal):
		write(w, answer{statusOf[refusal.Code], object{"code": refusal.Code, "message": refusal.Message}})
	case errors.As(err, &status):
		write(w, answer{status.status, object{"code": status.code, "message": status.message}})
	case r.Context().Err() != nil:
		return // the client has gone
	default:
		a.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		write(w, answer{http.StatusInternalServerError, object{"code": "internal", "message": err.Error()}})
	}
}

// read decodes the body. Keys it does not know are ignored, as clients send
// more than one server reads; a wrong type is refused.
func (c *call) read(into any) error {
	err := json.NewDecoder(c.Body).Decode(into)
	var tooLarge *http.MaxBytesError
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &tooLarge):
		return &statusError{http.StatusRequestEntityTooLarge, "bad_request", "the request's body is larger than 1 MiB"}
	case errors.As(err, &wrong):
		return &platform.Error{Code: platform.Invalid, Message: "field " + wrong.Field + " must be a " + wrong.Type.String() + ", not a " + wrong.Value}
	default:
		return &statusError{http.StatusBadRequest, "bad_request", "the request's body is not JSON: " + err.Error()}
	}
}

func (c *call) number() (int64, error) {
	number, err := strconv.ParseInt(c.PathValue("number"), 10, 64)
	if err != nil || number < 1 {
		return 0, &platform.Error{Code: platform.NotFound, Message: "deploy request " + c.PathValue("number") + " does not exist: a deploy request has a number"}
	}
	return number, nil
}

// page cuts one page out of a list and tells the way to its neighbours.
func page[T any](c *call, all []T, view func(T) object) (answer, error) {
	query := c.URL.Query()
	current, per := positive(query.Get("page"), 1), min(positive(query.Get("per_page"), 25), 100)
	current = min(current, len(all)/per+1)
	from := min((current-1)*per, len(all))
	to := min(from+per, len(all))
	data := make([]object, 0, to-from)
	for _, item := range all[from:to] {
		data = append(data, view(item))
	}
	body := object{
		"type": "list", "current_page": current, "per_page": per,
		"next_page": nil, "next_page_url": nil, "prev_page": nil, "prev_page_url": nil,
		"total_count": len(all), "total_pages": max(1, (len(all)+per-1)/per), "data": data,
	}
	link := func(name string, number int) {
		query.Set("page", strconv.Itoa(number))
		query.Set("per_page", strconv.Itoa(per))
		body[name], body[name+"_url"] = number, c.api.urls.Base+c.URL.Path+"?"+query.Encode()
	}
	if to < len(all) {
		link("next_page", current+1)
	}
	if current > 1 {
		link("prev_page", current-1)
	}
	return ok(body), nil
}

func positive(text string, otherwise int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return otherwise
	}
	return n
}

// stamp is a time as the API writes it; nil for none.
func stamp(at *time.Time) any {
	if at == nil || at.IsZero() {
		return nil
	}
	return at.UTC().Format("2006-01-02T15:04:05.000Z")
}

func when(at time.Time) any { return stamp(&at) }

func actorView(actor *platform.Actor) any {
	if actor == nil || actor.ID == "" {
		return nil
	}
	return object{"id": actor.ID, "type": actor.Type, "display_name": actor.DisplayName, "avatar_url": ""}
}
