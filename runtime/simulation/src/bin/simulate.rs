//! Runs the simulation on many seeds, and tells of the first that fails what it needs.

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use lightspeed_simulation::{Failure, Plan, Report, quiet_panics, shrink};

/// One seed of so many is run twice, and both runs must be the same.
const TWICE_EVERY: u64 = 50;

/// Runs that shrinking a failure may take.
const SHRINK_RUNS_MAX: usize = 3_000;

/// Runs sessions and clients in a world of bad networks, crashes and failing stores.
#[derive(Parser)]
struct Options {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many things are done to the world in each run.
    #[arg(long, default_value_t = 200)]
    steps: usize,
    /// Steps to leave out, as a failure names them.
    #[arg(long, value_delimiter = ',')]
    skip: Vec<usize>,
    /// Print everything that happens.
    #[arg(long)]
    trace: bool,
    /// Don't look for less that fails as well.
    #[arg(long)]
    unshrunk: bool,
    /// A file of seeds that are run first, a line each: seed, steps, what it once found.
    #[arg(long)]
    stored: Option<PathBuf>,
    /// Go on for so many seconds instead of a number of seeds.
    #[arg(long)]
    seconds: Option<u64>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    quiet_panics();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    if let Some(path) = &options.stored {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let plans = stored(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        for plan in &plans {
            plan.run().map_err(|failure| tell(options, plan, &failure))?;
        }
        println!("stored seeds: {} passed", plans.len());
    }
    let began = Instant::now();
    let until = options.seconds.map(|seconds| began + Duration::from_secs(seconds));
    let bar = ProgressBar::new(if until.is_some() { u64::MAX } else { options.seeds });
    let style = if until.is_some() {
        ProgressStyle::with_template("{pos} seeds, {per_sec}, {elapsed}")
    } else {
        ProgressStyle::with_template("{wide_bar} {pos} of {len} seeds, {per_sec}, {eta} left")
    };
    bar.set_style(style.map_err(|error| error.to_string())?);
    let (next, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let result = Mutex::new((Report::default(), None::<(Plan, Failure)>));
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let is_late = until.map_or(index >= options.seeds, |until| Instant::now() >= until);
                    if is_late {
                        return;
                    }
                    let mut plan = Plan::new(options.seed.wrapping_add(index), options.steps);
                    plan.skipped.extend(&options.skip);
                    plan.is_traced = options.trace;
                    let outcome = plan.run().and_then(|report| repeat(&plan, index, report));
                    bar.inc(1);
                    let mut result = result.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    match outcome {
                        Ok(report) => {
                            result.0.frames += report.frames;
                            result.0.deeds += report.deeds;
                            result.0.restored += report.restored;
                            result.0.kills += report.kills;
                            result.0.evicted += report.evicted;
                            result.0.expired += report.expired;
                            result.0.refused += report.refused;
                            result.0.hibernations += report.hibernations;
                        }
                        Err(failure) => {
                            is_over.store(true, Ordering::Relaxed);
                            // The lowest seed, whichever thread was faster.
                            if result.1.as_ref().is_none_or(|(other, _)| plan.seed < other.seed) {
                                result.1 = Some((plan, failure));
                            }
                        }
                    }
                }
            });
        }
    });
    bar.finish_and_clear();
    let (report, failed) = result.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((plan, failure)) = failed {
        return Err(tell(options, &plan, &failure));
    }
    let seeds =
        if until.is_some() { next.into_inner().saturating_sub(workers as u64) } else { options.seeds };
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{seeds} seeds of {} steps passed in {seconds:.0} s, {:.0} a second: {} frames, {} deeds of people, {} servers \
         killed, {} sessions read from the store, {} made room, {} expired, {} pages refused, {} put to sleep",
        options.steps,
        f64::from(u32::try_from(seeds).unwrap_or(u32::MAX)) / seconds.max(0.001),
        report.frames,
        report.deeds,
        report.kills,
        report.restored,
        report.evicted,
        report.expired,
        report.refused,
        report.hibernations,
    );
    Ok(())
}

/// C10: the same seed is the same run, byte for byte; and it is when nobody hibernates.
fn repeat(plan: &Plan, index: u64, report: Report) -> Result<Report, Failure> {
    if !index.is_multiple_of(TWICE_EVERY) || plan.is_traced {
        return Ok(report);
    }
    let again = plan.run()?;
    if again != report {
        let what = format!("the same seed ran differently: {report:?} and {again:?}");
        return Err(Failure { clause: "C10", what, step: plan.steps });
    }
    // A message that panics when it is dropped does so whenever that is.
    if !report.has_panics {
        let awake = Plan { has_hibernation: false, ..plan.clone() }.run()?;
        if awake.trace != report.trace {
            let what = format!("hibernation is noticed: {report:?}, and without it {awake:?}");
            return Err(Failure { clause: "C1", what, step: plan.steps });
        }
    }
    Ok(report)
}

/// Seeds that once found something.
fn stored(text: &str) -> Result<Vec<Plan>, String> {
    let lines =
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|(index, line)| {
            let mut words = line.split_whitespace().map(str::parse);
            match (words.next(), words.next()) {
                (Some(Ok(seed)), Some(Ok(steps))) => Ok(Plan::new(seed, usize::try_from(steps).unwrap_or(0))),
                _ => {
                    Err(format!("line {}: expected a seed, a number of steps and what they found", index + 1))
                }
            }
        })
        .collect()
}

/// What a person needs to know of a failure: shrunk, and how to see it again.
fn tell(options: &Options, plan: &Plan, failure: &Failure) -> String {
    eprintln!("seed {} fails after step {}: {}: {}", plan.seed, failure.step, failure.clause, failure.what);
    if plan.is_traced || options.unshrunk {
        return String::new();
    }
    eprintln!("looking for less that fails as well...");
    let (small, failure) = shrink(plan, failure, SHRINK_RUNS_MAX);
    let skip: Vec<_> = small.skipped.iter().map(ToString::to_string).collect();
    let skip = if skip.is_empty() { String::new() } else { format!(" --skip {}", skip.join(",")) };
    format!(
        "\n{}: {}\nwith {} steps of seed {}; see it by\n\n    simulate --seed {} --seeds 1 --steps {}{skip} --trace\n",
        failure.clause,
        failure.what,
        small.steps - small.skipped.len(),
        small.seed,
        small.seed,
        small.steps,
    )
}
