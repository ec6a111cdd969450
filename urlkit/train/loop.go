package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"urlbench/data"
	"urlbench/urlkit/config"
	"urlbench/urlkit/device"
	"urlbench/urlkit/evaluate"
	"urlbench/urlkit/method"
	"urlbench/urlkit/optim"
	"urlbench/urlkit/run"
)

// ErrInterrupted is returned when the context ended: the batch was finished and the
// state saved, so the run can be resumed.
var ErrInterrupted = errors.New("interrupted")

// Options are what a run needs besides its settings.
type Options struct {
	Device   *device.Device // nil opens the process's
	Reporter Reporter       // nil is AutoReporter
}

// Result is a finished run.
type Result struct {
	Run  *run.Run
	Rows []run.Row // summary.csv
}

// Best returns a value of the last row, such as
// "best_test_avg_downstream_auroc_correct".
func (r *Result) Best(name string) (float64, bool) {
	if len(r.Rows) == 0 {
		return 0, false
	}
	return r.Rows[len(r.Rows)-1].Get(name)
}

// trainer is a run in progress.
type trainer struct {
	cfg      *config.Config
	run      *run.Run
	model    *evaluate.Model
	sets     *sets
	stepper  *stepper
	eval     *evaluate.Evaluator
	schedule optim.Schedule
	report   Reporter
	events   *run.Events
	// picturing is set while the validation sets are evaluated, whose surest and
	// least sure images are shown.
	picturing bool
	status    Status
	progress  run.Progress
	best      run.Best
	started   time.Time // of this session, less the seconds of earlier ones
}

// Run trains as the settings say, into a new run folder, or continues one: with
// Resume set, or with the Experiment of a run that is there and has the same
// settings. When ctx ends, it finishes the batch, saves and returns ErrInterrupted.
func Run(ctx context.Context, cfg *config.Config, o Options) (result *Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("train: %v", firstLine(p))
		}
	}()
	if o.Reporter == nil {
		o.Reporter = AutoReporter()
	}
	defer o.Reporter.Close()
	cfg, dir, resumed, err := place(cfg)
	if err != nil {
		return nil, err
	}
	if err := Check(cfg); err != nil {
		return nil, err
	}
	if o.Device == nil {
		if o.Device, err = device.Open(); err != nil {
			return nil, err
		}
	}
	t, err := newTrainer(cfg, o)
	if err != nil {
		return nil, err
	}
	defer t.close()
	if resumed {
		t.run, err = run.Open(dir)
	} else {
		t.run, err = run.Create(dir, cfg.YAML())
	}
	if err != nil {
		return nil, err
	}
	defer t.run.Close()
	if err := t.run.Lock(); err != nil {
		return nil, err
	}
	if t.events, err = t.run.OpenEvents(); err != nil {
		return nil, err
	}
	defer t.events.Close()
	t.status.Run = t.run.Name()
	for _, n := range cfg.Notices() {
		t.say("%s", n)
	}
	t.say("Device: %s, %s. Run: %s", o.Device, precision(t.model, cfg), shortPath(t.run.Dir))
	if resumed {
		err = t.resume()
	} else {
		err = t.begin(ctx)
	}
	if err == nil {
		err = t.epochs(ctx)
	}
	if err != nil {
		t.run.Logf("%v", err)
		return nil, err
	}
	t.wandb()
	rows, err := t.run.Summary()
	if err != nil {
		return nil, err
	}
	return &Result{t.run, rows}, nil
}

// firstLine is what a panic says, without the stack that GoMLX adds.
func firstLine(p any) string {
	line, _, _ := strings.Cut(fmt.Sprint(p), "\n")
	return line
}

// place finds the run's folder, and whether a run is there to be continued. The
// settings of a resumed run are its own, with the flags given now on top.
func place(cfg *config.Config) (*config.Config, string, bool, error) {
	dir := cfg.Resume
	if dir == "" {
		dir = cfg.RunDir(time.Now())
		if _, err := os.Stat(filepath.Join(dir, "args.yaml")); err != nil {
			return cfg, dir, false, nil
		}
		old, err := config.Load(filepath.Join(dir, "args.yaml"))
		if err != nil {
			return nil, "", false, err
		}
		if name, was, is := old.Difference(cfg); name != "" {
			return nil, "", false, fmt.Errorf("%s holds a run with --%s=%v, not %v: choose another --experiment, or --resume %s to continue that one", dir, name, was, is, dir)
		}
		return cfg, dir, true, nil
	}
	if _, err := os.Stat(filepath.Join(dir, "args.yaml")); err != nil {
		parent := filepath.Dir(filepath.Clean(dir)) // a checkpoint's folder was given
		if _, err := os.Stat(filepath.Join(parent, "args.yaml")); err != nil {
			return nil, "", false, fmt.Errorf("--resume %s: no run there (no args.yaml)", dir)
		}
		dir = parent
	}
	old, err := config.Load(filepath.Join(dir, "args.yaml"))
	if err != nil {
		return nil, "", false, err
	}
	if err := old.Override(cfg); err != nil {
		return nil, "", false, err
	}
	return old, dir, true, nil
}

func newTrainer(cfg *config.Config, o Options) (*trainer, error) {
	t := &trainer{cfg: cfg, report: o.Reporter}
	input, err := evaluate.InputConfig(cfg)
	if err != nil {
		return nil, err
	}
	if t.sets, err = openSets(cfg, input); err != nil {
		return nil, err
	}
	classes, err := t.sets.classes(cfg)
	if err != nil {
		return nil, err
	}
	if t.model, err = evaluate.NewModel(o.Device, cfg, classes); err != nil {
		return nil, err
	}
	lossFn, err := method.Loss(cfg.Loss)
	if err != nil {
		return nil, err
	}
	opt, err := optimizer(cfg)
	if err != nil {
		return nil, err
	}
	clip, err := clipping(cfg)
	if err != nil {
		return nil, err
	}
	if t.schedule, err = Schedule(cfg, t.sets.batchesEpoch); err != nil {
		return nil, err
	}
	if t.stepper, err = newStepper(t.model, lossFn, lossConfig(cfg), opt, optim.Accumulation{Steps: cfg.AccumulationSteps, Clip: clip}); err != nil {
		return nil, err
	}
	options := evaluate.OptionsOf(cfg)
	options.Progress, options.Answered = t.evaluating, t.answered
	t.eval, err = evaluate.New(t.model, options)
	t.progress.Seed = cfg.Seed
	t.progress.History = run.History{Max: cfg.CheckpointHist, Decreasing: cfg.EvalMetric == "loss"}
	t.best.Decreasing = cfg.EvalMetric == "loss"
	return t, err
}

func (t *trainer) close() {
	t.stepper.close()
	if t.eval != nil {
		t.eval.Close()
	}
	t.model.Store.Finalize()
}

// begin sets the weights of a new run.
func (t *trainer) begin(ctx context.Context) error {
	t.started = time.Now()
	if err := t.initialWeights(ctx); err != nil {
		return err
	}
	if t.cfg.StartEpoch != nil {
		t.progress.Epoch = *t.cfg.StartEpoch
	}
	return t.startUncertainty(ctx)
}

// resume continues from the last checkpoint, or from the start if the run was
// killed before its first.
func (t *trainer) resume() error {
	dir, err := t.run.Checkpoint("last")
	if err != nil {
		t.say("No checkpoint yet: starting again")
		if err := t.run.TruncateSummary(0); err != nil {
			return err
		}
		return t.begin(context.Background())
	}
	if t.progress, err = run.ReadProgress(dir); err != nil {
		return err
	}
	if err := restore(t.model, dir, !t.cfg.NoResumeOpt); err != nil {
		return err
	}
	if err := t.run.TruncateSummary(t.progress.Epoch); err != nil {
		return err
	}
	t.best = run.Best{Decreasing: t.best.Decreasing, Any: t.progress.AnyBest, Value: float64(t.progress.BestValue)}
	t.started = time.Now().Add(-time.Duration(t.progress.Seconds * float64(time.Second)))
	t.status.Curve = t.progress.Curve
	t.say("Continuing %s after epoch %d, batch %d", filepath.Base(dir), t.progress.Epoch, t.progress.Batch)
	return nil
}

// epochs is the loop over epochs.
func (t *trainer) epochs(ctx context.Context) error {
	total := t.schedule.Total()
	t.status.Epochs, t.status.Batches = total, t.sets.batchesEpoch
	for t.progress.Epoch < total {
		began := time.Now()
		epoch := t.progress.Epoch
		m, err := t.epoch(ctx, epoch)
		if err != nil {
			return err
		}
		trained := time.Since(began)
		if err := t.finishEpoch(ctx, epoch, m, began); err != nil {
			if ctx.Err() != nil {
				return t.interrupted()
			}
			return err
		}
		t.logf("Epoch %d took %.2f s, %.2f s of it training: %.0f images/s", epoch, time.Since(began).Seconds(), trained.Seconds(),
			float64(t.sets.batchesEpoch*t.cfg.BatchSize)/trained.Seconds())
		if ctx.Err() != nil && t.progress.Epoch < total {
			return t.interrupted()
		}
	}
	t.say("Wall time %.1f s for %d epochs on %s", time.Since(t.started).Seconds(), total, t.model.Device.Kind)
	return nil
}

// epoch trains one epoch, from the batch where the progress stands.
func (t *trainer) epoch(ctx context.Context, epoch int) (meter, error) {
	first := t.progress.Batch
	shown := meter{}
	if first == 0 {
		if err := t.newEpoch(); err != nil {
			return meter{}, err
		}
	} else {
		copy(shown[:], t.progress.MeterShown)
	}
	size, views := t.model.Input.Size, t.sets.views
	order := t.sets.trainLoader.Order(epoch)
	began, fresh := time.Now(), first
	// The loader ends with the loop, not with ctx: an interrupt finishes the batch.
	for batch, err := range t.sets.trainLoader.From(context.WithoutCancel(ctx), epoch, first) {
		if err != nil {
			return meter{}, err
		}
		i := t.progress.Batch
		if want := t.cfg.BatchSize * views; batch.N != want {
			return meter{}, fmt.Errorf("batch %d of epoch %d has %d images, want %d", i, epoch, batch.N, want)
		}
		labels := hardLabels(batch, uint64(t.cfg.Seed), epoch)
		lr := t.schedule.BatchLR(epoch, i)
		if err := t.stepper.run(batch.Pixels, batch.N, size, labels, lr, t.stepper.group.Due(i)); err != nil {
			return meter{}, outOfMemory(t.cfg, fmt.Errorf("epoch %d, batch %d: %w", epoch, i, err))
		}
		t.progress.Batch++
		last := t.progress.Batch == t.sets.batchesEpoch
		t.status.Epoch, t.status.Batch, t.status.Set, t.status.LR = epoch, t.progress.Batch, "", lr
		t.status.FreshlyMeasured = false
		if i%t.cfg.LogInterval == 0 || last {
			m, err := t.stepper.report()
			if err != nil {
				return m, err
			}
			if m[meterBad] != 0 {
				return m, t.diverged(epoch, int(m[meterBad])-1, order)
			}
			perBatch := time.Since(began) / time.Duration(t.progress.Batch-fresh)
			if err := t.measured(epoch, m.since(shown), perBatch); err != nil {
				return m, err
			}
			shown = m
			t.progress.MeterShown = m[:]
		}
		t.report.Update(t.status)
		t.status.FreshlyMeasured = false
		if last {
			break
		}
		if ctx.Err() != nil {
			return meter{}, t.interrupted()
		}
		if every := t.cfg.RecoveryInterval; every > 0 && t.progress.Batch%every == 0 {
			if err := t.saveRecovery(); err != nil {
				return meter{}, err
			}
		}
	}
	for i, bad := range t.sets.trainLoader.Bad() {
		if i == 0 {
			t.say("Unreadable training images were replaced by others (--max-bad=%g):", t.cfg.MaxBad)
		}
		t.say("  %v", bad.Err)
	}
	m, err := t.stepper.report()
	if err == nil && m[meterBad] != 0 {
		err = t.diverged(epoch, int(m[meterBad])-1, order)
	}
	return m, err
}

// newEpoch forgets what must not reach the next epoch: the gradients of an
// incomplete group, the sums of the metrics.
func (t *trainer) newEpoch() error {
	if err := optim.Drop(t.model.Store.Scope(optim.AccumulateScope)); err != nil {
		return err
	}
	t.progress.MeterShown = nil
	if err := method.BeginEpoch(t.model.Store, evaluate.MethodOptions(t.cfg, t.model.Classes)); err != nil {
		return err
	}
	return t.stepper.reset(meter{})
}

// measured shows and logs what was read from the device.
func (t *trainer) measured(epoch int, m meter, perBatch time.Duration) error {
	s := &t.status
	s.Loss, s.Accuracy, s.Recall, s.AUROC, s.Unc = m.mean(meterLoss), m.mean(meterAccuracy), m.mean(meterRecall), m.mean(meterAUROC), m.mean(meterUnc)
	s.Remaining = perBatch * time.Duration(s.Batches-s.Batch)
	s.FreshlyMeasured = true
	s.Curve = append(s.Curve, [2]float64{float64(epoch*s.Batches + s.Batch), s.Loss})
	t.progress.Curve = s.Curve
	t.logf("%s", trainLine(*s))
	return t.events.Scalars(epoch*s.Batches+s.Batch, map[string]float64{
		"train/loss": s.Loss, "train/accuracy": s.Accuracy, "train/r1_in_batch": s.Recall, "train/auroc_in_batch": s.AUROC, "train/unc": s.Unc, "lr": s.LR,
	})
}

// finishEpoch evaluates, writes the epoch's row and saves the checkpoint.
func (t *trainer) finishEpoch(ctx context.Context, epoch int, m meter, began time.Time) error {
	if err := method.BeforeEvaluation(t.model.Store, evaluate.MethodOptions(t.cfg, t.model.Classes)); err != nil {
		return err
	}
	eval, err := t.eval.UpstreamColumns(ctx, t.sets.upstream)
	if err != nil {
		return err
	}
	t.picturing = true
	downstream, err := t.eval.DownstreamColumns(ctx, t.sets.validation)
	t.picturing = false
	if err != nil {
		return err
	}
	eval = append(eval, downstream...)
	value, ok := run.Row(eval).Get(t.cfg.EvalMetric)
	if !ok {
		return fmt.Errorf("--eval-metric=%s: choose one of %s", t.cfg.EvalMetric, metricNames(eval))
	}
	best := t.best
	if best.Improved(value) {
		test, err := t.eval.DownstreamColumns(ctx, t.sets.test)
		if err != nil {
			return err
		}
		further, err := t.eval.DownstreamColumns(ctx, t.sets.furtherTest)
		if err != nil {
			return err
		}
		t.progress.BestEval, t.progress.BestTest, t.progress.BestFurthertest = eval, test, further
		t.progress.BestEpoch = epoch
		t.best = best
		t.progress.AnyBest, t.progress.BestValue = true, run.Number(value)
	}
	lr := t.schedule.BatchLR(epoch, t.sets.batchesEpoch-1)
	train := []run.Column{{Name: "loss", Value: run.Number(m.mean(meterLoss))}}
	row := run.EpochRow(epoch, train, eval, t.progress.BestEval, t.progress.BestTest, t.progress.BestFurthertest, lr)
	if err := t.run.AppendSummary(row); err != nil {
		return err
	}
	if err := t.epochEvents(epoch, row); err != nil {
		return err
	}
	t.progress.Epoch, t.progress.Batch, t.progress.MeterShown = epoch+1, 0, nil
	if err := t.saveEpoch(epoch, value); err != nil {
		return err
	}
	t.epochDone(epoch, m, eval, began)
	return nil
}

// epochDone shows an epoch's results.
func (t *trainer) epochDone(epoch int, m meter, eval run.Row, began time.Time) {
	e := EpochStatus{Epoch: epoch, Loss: m.mean(meterLoss), Seconds: time.Since(began).Seconds(), Best: t.progress.BestEpoch == epoch}
	e.Top1, _ = eval.Get("top1")
	e.R1, _ = eval.Get("avg_downstream_r1")
	e.AUROC, _ = eval.Get("avg_downstream_auroc_correct")
	t.status.Epochwise = append(t.status.Epochwise, e)
	t.status.Set = ""
	t.logf("%s", epochLine(e))
	t.report.Update(t.status)
}

func (t *trainer) evaluating(set string, done, of int) {
	t.status.Set, t.status.Done, t.status.Of, t.status.FreshlyMeasured = set, done, of, false
	t.report.Update(t.status)
}

func metricNames(columns []run.Column) string {
	var names []string
	for _, c := range columns {
		if c.Text == "" && !strings.Contains(c.Name, "/") {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, ", ")
}

// hardLabels are the batch's labels; where the set has votes, one is drawn for
// each image by them, from seed, epoch and image alone.
func hardLabels(b *data.Batch, seed uint64, epoch int) []int32 {
	if b.Soft == nil {
		return b.Labels
	}
	classes := len(b.Soft) / b.N
	out := make([]int32, b.N)
	for i := range out {
		out[i] = drawLabel(b.Soft[i*classes:(i+1)*classes], b.Labels[i], seed, epoch, b.Index[i])
	}
	return out
}

// shortPath is a path as a reader would type it: relative to the working folder
// where that is shorter, so that a notebook's output names no folder of one machine.
func shortPath(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(here, absolute); err == nil && len(rel) < len(absolute) {
		return rel
	}
	return path
}
