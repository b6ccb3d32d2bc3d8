package middleware

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/handlers"
	"github.com/klauspost/compress/gzhttp"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/urfave/negroni/v3"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// middleware is one or more middleware functions around a handler.
type middleware struct {
	name string
	// wrap returns the server's handler. statuses returns the statuses that the
	// middleware has seen, after the end of the request.
	wrap func(t *testing.T, h http.HandlerFunc) (around http.Handler, statuses func() []int)
	// gzip makes the client accept compressed responses.
	gzip bool
	// hangsCoder is set if coder/websocket's response is never sent.
	hangsCoder bool
	// cookie is the cookie set by the middleware.
	cookie string
	// late is set if the middleware writes a status afterwards, which the server logs.
	late bool
}

var middlewares = []middleware{
	{name: "none", wrap: func(_ *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		return h, func() []int { return []int{http.StatusSwitchingProtocols} }
	}},
	{name: "chi", wrap: func(t *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		var log chiLog
		r := chi.NewRouter()
		r.Use(chimiddleware.RequestID, chimiddleware.RequestLogger(&log), chimiddleware.Recoverer)
		r.Get("/", h)
		return r, log.seen
	}},
	{name: "chi, compressing", gzip: true, wrap: func(t *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		var log chiLog
		r := chi.NewRouter()
		r.Use(chimiddleware.RequestLogger(&log), chimiddleware.Compress(5))
		r.Get("/", h)
		return r, log.seen
	}},
	{name: "gin", wrap: func(t *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		var log statusLog
		gin.SetMode(gin.ReleaseMode)
		r := gin.New()
		r.Use(gin.LoggerWithConfig(gin.LoggerConfig{
			Output:    io.Discard,
			Formatter: func(p gin.LogFormatterParams) string { log.add(p.StatusCode); return "" },
		}), gin.Recovery())
		r.GET("/", gin.WrapF(h))
		return r, log.seen
	}},
	{name: "echo", wrap: func(t *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		e, log := newEcho()
		e.Use(echomiddleware.Recover())
		e.GET("/", echo.WrapHandler(h))
		return e, log.seen
	}},
	{name: "echo, compressing", gzip: true, hangsCoder: true, late: true, wrap: func(t *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		e, log := newEcho()
		e.Use(echomiddleware.Gzip())
		e.GET("/", echo.WrapHandler(h))
		return e, log.seen
	}},
	{name: "echo, dumping bodies", wrap: func(t *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		e, log := newEcho()
		e.Use(echomiddleware.BodyDump(func(echo.Context, []byte, []byte) {}))
		e.GET("/", echo.WrapHandler(h))
		return e, log.seen
	}},
	{name: "negroni", wrap: func(t *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		var log statusLog
		n := negroni.New(negroni.NewRecovery(), negroni.HandlerFunc(func(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
			next(w, r)
			log.add(w.(negroni.ResponseWriter).Status())
		}))
		n.UseHandler(h)
		return n, log.seen
	}},
	{name: "gorilla/handlers", wrap: func(t *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		var log statusLog
		return handlers.CustomLoggingHandler(io.Discard, h, func(_ io.Writer, p handlers.LogFormatterParams) { log.add(p.StatusCode) }), log.seen
	}},
	{name: "gorilla/handlers, compressing", gzip: true, wrap: func(t *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		var log statusLog
		return handlers.CustomLoggingHandler(io.Discard, handlers.CompressHandler(h), func(_ io.Writer, p handlers.LogFormatterParams) { log.add(p.StatusCode) }), log.seen
	}},
	{name: "promhttp", wrap: func(t *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests"}, []string{"code"})
		latency := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "latency"}, []string{"code"})
		around := promhttp.InstrumentHandlerCounter(counter, promhttp.InstrumentHandlerTimeToWriteHeader(latency, h))
		return around, func() []int { return append(labels(t, counter), labels(t, latency)...) }
	}},
	{name: "otelhttp", wrap: func(t *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		spans := tracetest.NewSpanRecorder()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
		return otelhttp.NewHandler(h, "handshake", otelhttp.WithTracerProvider(provider)), func() []int { return spanStatuses(spans) }
	}},
	{name: "scs", cookie: "session", wrap: func(t *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		var log chiLog
		return chimiddleware.RequestLogger(&log)(withSession(h)), log.seen
	}},
	{name: "klauspost's gzip", gzip: true, wrap: func(t *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		var log chiLog
		return chimiddleware.RequestLogger(&log)(gzhttp.GzipHandler(h)), log.seen
	}},
	{name: "klauspost's gzip, not accepted", wrap: func(t *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		var log chiLog
		return chimiddleware.RequestLogger(&log)(gzhttp.GzipHandler(h)), log.seen
	}},
	{name: "many", gzip: true, cookie: "session", wrap: func(t *testing.T, h http.HandlerFunc) (http.Handler, func() []int) {
		var outer chiLog
		var inner statusLog
		counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests"}, []string{"code"})
		around := otelhttp.NewHandler(promhttp.InstrumentHandlerCounter(counter, gzhttp.GzipHandler(withSession(
			handlers.CustomLoggingHandler(io.Discard, h, func(_ io.Writer, p handlers.LogFormatterParams) { inner.add(p.StatusCode) })))), "handshake")
		return chimiddleware.RequestLogger(&outer)(around), func() []int {
			return slices.Concat(outer.seen(), inner.seen(), labels(t, counter))
		}
	}},
}

// TestStatus: each middleware sees status 101, and headers and messages arrive, as with
// coder/websocket.
func TestStatus(t *testing.T) {
	for _, m := range middlewares {
		for _, lib := range libraries {
			if lib.name == "coder" && m.hangsCoder {
				continue
			}
			t.Run(m.name+"/"+lib.name, func(t *testing.T) {
				around, statuses := m.wrap(t, lib.handler(t))
				header := http.Header{}
				if m.gzip {
					header.Set("Accept-Encoding", "gzip")
				}
				answer, logged := converse(t, around, header)
				wantHeaders(t, answer)
				if m.cookie != "" && !hasCookie(answer, m.cookie) {
					t.Errorf("got cookies %q, want the middleware's", answer.Header["Set-Cookie"])
				}
				got := statuses()
				if len(got) == 0 || slices.ContainsFunc(got, func(status int) bool { return status != http.StatusSwitchingProtocols }) {
					t.Errorf("the middleware saw status %v, want 101", got)
				}
				if logged != "" && !m.late {
					t.Errorf("the server logged %q", logged)
				}
			})
		}
	}
}

// statusLog are the statuses recorded by a middleware.
type statusLog struct{ statuses []int }

func (l *statusLog) add(status int) { l.statuses = append(l.statuses, status) }
func (l *statusLog) seen() []int    { return l.statuses }

// chiLog is a statusLog that chi's logger writes to.
type chiLog struct{ statusLog }

func (l *chiLog) NewLogEntry(*http.Request) chimiddleware.LogEntry { return l }
func (l *chiLog) Panic(any, []byte)                                {}

func (l *chiLog) Write(status, _ int, _ http.Header, _ time.Duration, _ any) { l.add(status) }

// newEcho returns an echo instance that logs statuses.
func newEcho() (*echo.Echo, *statusLog) {
	log := new(statusLog)
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	e.Use(echomiddleware.RequestLoggerWithConfig(echomiddleware.RequestLoggerConfig{
		LogStatus: true,
		LogValuesFunc: func(_ echo.Context, v echomiddleware.RequestLoggerValues) error {
			log.add(v.Status)
			return nil
		},
	}))
	return e, log
}

// withSession runs h in a session, which it changes.
func withSession(h http.Handler) http.Handler {
	sessions := scs.New()
	return sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sessions.Put(r.Context(), "user", "u")
		h.ServeHTTP(w, r)
	}))
}

// labels returns the values of the label code.
func labels(t *testing.T, c prometheus.Collector) []int {
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var codes []int
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				code, err := strconv.Atoi(label.GetValue())
				if err != nil {
					t.Fatal(err)
				}
				codes = append(codes, code)
			}
		}
	}
	return codes
}

// spanStatuses returns the status attributes of the spans that have ended.
func spanStatuses(spans *tracetest.SpanRecorder) []int {
	var statuses []int
	for _, span := range spans.Ended() {
		for _, attribute := range span.Attributes() {
			if attribute.Key == "http.response.status_code" || attribute.Key == "http.status_code" {
				statuses = append(statuses, int(attribute.Value.AsInt64()))
			}
		}
	}
	return statuses
}
