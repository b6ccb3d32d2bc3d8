package middleware

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"
	"github.com/urfave/negroni/v3"

	websocket "github.com/bhojpur/api"
)

// TestTimeoutHandler: the writer of http.TimeoutHandler can't be hijacked. A client is
// refused, whatever middleware is above and has a Hijack method.
func TestTimeoutHandler(t *testing.T) {
	const limit = time.Minute
	for name, around := range map[string]func(http.HandlerFunc) http.Handler{
		"none": func(h http.HandlerFunc) http.Handler { return http.TimeoutHandler(h, limit, "") },
		"echo": func(h http.HandlerFunc) http.Handler {
			e := echo.New()
			//lint:ignore SA1019 programs still use it
			e.Use(echomiddleware.TimeoutWithConfig(echomiddleware.TimeoutConfig{Timeout: limit}))
			e.GET("/", func(c echo.Context) error { h(c.Response(), c.Request()); return nil })
			return e
		},
		"gin": func(h http.HandlerFunc) http.Handler {
			gin.SetMode(gin.ReleaseMode)
			g := gin.New()
			g.GET("/", gin.WrapF(h))
			return http.TimeoutHandler(g, limit, "")
		},
		"chi": func(h http.HandlerFunc) http.Handler {
			r := chi.NewRouter()
			r.Use(chimiddleware.RequestLogger(new(chiLog)))
			r.Get("/", h)
			return http.TimeoutHandler(r, limit, "")
		},
		"negroni": func(h http.HandlerFunc) http.Handler {
			n := negroni.New()
			n.UseHandler(h)
			return http.TimeoutHandler(n, limit, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			accepted := make(chan error, 1)
			s := httptest.NewServer(around(func(w http.ResponseWriter, r *http.Request) {
				_, err := websocket.Accept(w, r, nil)
				accepted <- err
			}))
			defer s.Close()
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			_, answer, err := websocket.Dial(ctx, s.URL, &websocket.DialOptions{HTTPClient: &http.Client{Transport: &http.Transport{}}})
			if err == nil || answer == nil || answer.StatusCode != http.StatusNotImplemented {
				t.Errorf("got %v, %v, want status 501", answer, err)
			}
			if err := <-accepted; err == nil {
				t.Error("Accept returned no error")
			}
		})
	}
}
