package nn_test

import (
	"os"
	"testing"

	"urlbench/internal/fixture"
)

func TestMain(m *testing.M) { os.Exit(fixture.Main(m, "nn")) }
