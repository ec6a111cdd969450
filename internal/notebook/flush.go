package notebook

import (
	"time"

	"github.com/janpfeifer/gonb/gonbui"
)

// Flush waits until GoNB has what a cell's program displayed: one that ends at once
// takes what is still in the pipe with it. It waits a few seconds at most, since
// nobody may be at the other end, and not at all outside a notebook.
func Flush() {
	if !gonbui.IsNotebook {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		gonbui.Sync()
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
	}
}
