//go:build !js

package behaviour

import (
	"os"
	"testing"

	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }
