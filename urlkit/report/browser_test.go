package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// cut lists what a reader could not see: contents that stick out of the page or of a
// box that does not scroll, pictures that did not load, ids that are not unique.
const cut = `(() => {
  const out = [], root = document.documentElement, narrow = root.clientWidth < 500; // there figures scroll
  if (root.scrollWidth > root.clientWidth) out.push("the page is " + root.scrollWidth + " wide in a window of " + root.clientWidth);
  for (const e of document.body.querySelectorAll("*")) {
    if (e.ownerSVGElement || getComputedStyle(e).display.startsWith("inline") || e.tagName == "THEAD") continue;
    const r = e.getBoundingClientRect();
    if (r.width == 0 || e.closest("thead") || (e.closest(".paper") && !e.matches(".paper"))) continue;
    if (r.right > root.clientWidth + 0.5 || r.left < -0.5) out.push(e.tagName + "." + e.className + " reaches from " + r.left + " to " + r.right);
    if (e.scrollWidth > e.clientWidth + 1 && !(narrow && e.matches(".paper")) && e.tagName != "svg") out.push(e.tagName + "." + e.className + " cuts " + e.scrollWidth + " to " + e.clientWidth);
  }
  for (const i of document.images) if (!i.complete || i.naturalWidth == 0 || i.naturalHeight == 0 || i.getBoundingClientRect().width < 20) out.push("picture " + i.alt + " is not seen");
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  const twice = ids.filter((x, i) => ids.indexOf(x) != i);
  if (twice.length) out.push("ids used twice: " + twice.slice(0, 5).join(" "));
  for (const a of document.querySelectorAll("a")) if (!document.querySelector(a.getAttribute("href"))) out.push("the link " + a.getAttribute("href") + " leads nowhere");
  return JSON.stringify({Cut: out, Pictures: document.images.length, Drawings: document.querySelectorAll(".paper img").length, Height: root.scrollHeight});
})()`

// TestBrowser opens the page in a headless Chromium as a desk, a phone and a printer
// show it, light and dark. Screenshots are kept with go
// test -artifacts; URLBENCH_REPORT names another page to open, one of real runs.
func TestBrowser(t *testing.T) {
	var chromium string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
			break
		}
	}
	if chromium == "" {
		t.Skip("no chromium, chromium-browser, google-chrome or headless-shell in PATH to open the page in")
	}
	var page bytes.Buffer
	if ready := os.Getenv("URLBENCH_REPORT"); ready != "" {
		examine(t, chromium, ready)
		return
	}
	if err := Write(&page, entries(t), Options{Queries: 6, Resamples: 50, Command: "urlbench report elk-mini-1", Made: time.Unix(0, 0)}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	examine(t, chromium, file)
}

// examine looks at a page file in every setting.
func examine(t *testing.T, chromium, file string) {
	address := (&url.URL{Scheme: "file", Path: file}).String()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.Flag("disable-background-networking", true), chromedp.WSURLReadTimeout(2*time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	ctx, stop := chromedp.NewContext(ctx)
	defer stop()

	var mu sync.Mutex
	var complaints []string
	complain := func(format string, args ...any) {
		mu.Lock()
		complaints = append(complaints, fmt.Sprintf(format, args...))
		mu.Unlock()
	}
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			complain("the console says %s: %v", e.Type, e.Args)
		case *runtime.EventExceptionThrown:
			complain("exception: %s", e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			complain("the log says %s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; !strings.HasPrefix(u, "data:") && u != address {
				complain("the page asks for %s", u)
			}
		}
	})
	// The first Run starts the browser, which would end with its context.
	if err := chromedp.Run(ctx, log.Enable(), network.Enable()); err != nil {
		t.Fatalf("%s does not start: %v", chromium, err)
	}
	ctx, cancelTime := context.WithTimeout(ctx, 2*time.Minute)
	defer cancelTime()

	artifacts := t.ArtifactDir()
	for _, v := range []struct {
		name, scheme, media string
		width               int64
	}{{"desk-light", "light", "screen", 1200}, {"desk-dark", "dark", "screen", 1200}, {"tablet", "light", "screen", 768}, {"phone-light", "light", "screen", 360}, {"phone-dark", "dark", "screen", 360}, {"print", "dark", "print", 718}} {
		var answer string
		var shot []byte
		err := chromedp.Run(ctx,
			emulation.SetDeviceMetricsOverride(v.width, 900, 1, v.width < 500),
			emulation.SetEmulatedMedia().WithMedia(v.media).WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.scheme}}),
			chromedp.Navigate(address), chromedp.WaitReady("main"),
			chromedp.Evaluate(`document.querySelectorAll("details").forEach(d => d.open = true)`, nil),
			chromedp.Evaluate(cut, &answer), chromedp.FullScreenshot(&shot, 80))
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		var seen struct {
			Cut                        []string
			Pictures, Drawings, Height int
		}
		if err := json.Unmarshal([]byte(answer), &seen); err != nil {
			t.Fatal(err)
		}
		for _, s := range seen.Cut {
			t.Errorf("%s: %s", v.name, s)
		}
		if seen.Pictures < 20 || seen.Drawings < 5 {
			t.Errorf("%s: %d pictures and %d drawings: want at least 20 and 5", v.name, seen.Pictures, seen.Drawings)
		}
		if err := os.WriteFile(filepath.Join(artifacts, v.name+".jpg"), shot, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, c := range complaints {
		t.Error(c)
	}
}
