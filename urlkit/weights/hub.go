package weights

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/gomlx/go-huggingface/hub"
)

// pretrained are the weights that timm takes for a model's bare name.
var pretrained = map[string]string{
	"resnet50":                   "timm/resnet50.a1_in1k",
	"vit_medium_patch16_gap_256": "timm/vit_medium_patch16_gap_256.sw_in12k_ft_in1k",
}

// HubID returns the hub's repository of a model: a name such as resnet50 or
// resnet50.a1_in1k, or a repository's own owner/name, also after "hf_hub:" or
// "hf-hub:" as in timm.
func HubID(name string) (string, error) {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "hf_hub:"), "hf-hub:")
	id := pretrained[name]
	switch {
	case id != "":
	case strings.Contains(name, "/"):
		id = name
	case strings.Contains(name, "."):
		id = "timm/" + name
	default:
		return "", fmt.Errorf("no pretrained weights are known for %q: give a file, or a repository as owner/name", name)
	}
	if !regexp.MustCompile(`^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$`).MatchString(id) {
		return "", fmt.Errorf("%q is no repository of the hub, want owner/name", id)
	}
	return id, nil
}

// Fetch returns the path of a model's safetensors from the Hugging Face hub,
// downloading it on the first call into the hub's own cache, which Python's
// huggingface_hub shares. Without a network the error says how to bring the file
// by hand.
func Fetch(ctx context.Context, name string) (string, error) {
	id, err := HubID(name)
	if err != nil {
		return "", err
	}
	const file = "model.safetensors"
	if path := cached(id, file); path != "" {
		return path, nil
	}
	byHand := fmt.Sprintf("download https://huggingface.co/%s/resolve/main/%s elsewhere and pass the file instead of the name", id, file)
	if err := reachable(ctx, id, file); err != nil {
		return "", fmt.Errorf("the weights of %s are not in %s and the hub can't be reached (%v): %s", id, hub.DefaultCacheDir(), err, byHand)
	}
	repo := hub.New(id).WithAuth(os.Getenv("HF_TOKEN"))
	repo.Verbosity = 0
	path, err := repo.DownloadFileCtx(ctx, file)
	if err != nil {
		return "", fmt.Errorf("download of %s from the hub failed (%v): %s", id, firstLine(err), byHand)
	}
	return path, nil
}

// cached looks for a file in the hub's cache; the hub package would ask the
// network first.
func cached(id, file string) string {
	repo := filepath.Join(hub.DefaultCacheDir(), "models--"+strings.ReplaceAll(id, "/", "--"))
	if ref, err := os.ReadFile(filepath.Join(repo, "refs", "main")); err == nil {
		path := filepath.Join(repo, "snapshots", filepath.Base(strings.TrimSpace(string(ref))), file)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	paths, err := filepath.Glob(filepath.Join(repo, "snapshots", "*", file))
	if err != nil || len(paths) == 0 {
		return ""
	}
	return paths[len(paths)-1]
}

// reachable asks for the file's header, so that a machine without a network says
// so in seconds.
func reachable(ctx context.Context, id, file string) error {
	endpoint := strings.TrimSuffix(os.Getenv("HF_ENDPOINT"), "/")
	if endpoint == "" {
		endpoint = "https://huggingface.co"
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, endpoint+"/"+id+"/resolve/main/"+file, nil)
	if err != nil {
		return err
	}
	if token := os.Getenv("HF_TOKEN"); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	// What matters is an answer; the file itself may lie behind a redirect.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return errors.New(firstLine(err))
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode >= 400 {
		return fmt.Errorf("%s answers %s", endpoint, resp.Status)
	}
	return nil
}

func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}
