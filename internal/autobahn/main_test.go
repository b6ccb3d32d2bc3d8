package autobahn

import (
	"os"
	"testing"

	"github.com/bhojpur/api/internal/wstest"
)

func TestMain(m *testing.M) { os.Exit(wstest.LeakCheck(m)) }
