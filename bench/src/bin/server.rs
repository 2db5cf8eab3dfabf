//! What a server does for an event: its time, stage by stage, beside maud and Dioxus.
//!
//! `make bench-server` has a session without a socket take the counter's click and the operations of
//! the js-framework-benchmark on 1,000 and 10,000 rows; has maud write the same page; and has Dioxus's liveview
//! take the same clicks (`bench/peers/dioxus-server`, built by this program), in turns.
//! `bench/README.md` says what the stages are.

use std::cell::Cell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use lightspeed::Adapter;
use lightspeed_bench::joined::{Joined, Operation, Place, counter, decoded, rows, rows_before};
use lightspeed_bench::peers::DIOXUS_VERSION;
use lightspeed_bench::{crowd, machine, pages, peers, results};
use lightspeed_core::session::Component;
use lightspeed_core::session::checkpoint::LoadError;
use lightspeed_core::{Html, Policy};
use lightspeed_examples::counter::Counter;
use lightspeed_examples::rows::Rows;
use lightspeed_protocol::frame::ClientFrame;
use serde_json::{Value, json};

/// What a server does for an event, beside maud and Dioxus.
#[derive(Debug, Parser)]
struct Options {
    /// How often each operation is measured.
    #[arg(long, default_value_t = 60)]
    samples: usize,
    /// How many are taken before the turn is the other's.
    #[arg(long, default_value_t = 10)]
    turn: usize,
    /// The rows that the tables have.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000])]
    rows: Vec<u32>,
    /// Leaves Dioxus out, which takes minutes to build.
    #[arg(long)]
    no_dioxus: bool,
}

/// Stages of an event, in their order.
const STAGES: [&str; 6] = ["decode", "update", "render", "diff", "encode", "settle"];

/// How much less server time than Dioxus's an event on 1,000 rows is to take.
const DIOXUS_RATIO_MIN: f64 = 4.0;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("server: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A component that notes how long it renders.
struct Timed<C> {
    component: C,
    rendering: Cell<Duration>,
}

impl<C: Component> Component for Timed<C> {
    type Message = C::Message;
    type Effect = C::Effect;

    fn update(&mut self, message: C::Message, effects: &mut Vec<C::Effect>) {
        self.component.update(message, effects);
    }

    fn render(&self) -> Html<C::Message> {
        let began = Instant::now();
        let html = self.component.render();
        self.rendering.set(began.elapsed());
        html
    }

    fn save(&self) -> Option<Vec<u8>> {
        self.component.save()
    }

    fn load(&mut self, state: &[u8]) -> Result<(), LoadError> {
        self.component.load(state)
    }
}

/// One event.
#[derive(Debug, Clone, Default)]
struct Sample {
    /// Nanoseconds, in the order of [`STAGES`], or of Dioxus's four.
    stages: Vec<f64>,
    down: usize,
    up: usize,
}

impl Sample {
    fn total(&self) -> f64 {
        self.stages.iter().sum()
    }
}

fn sample<C: Component>(joined: &mut Joined<Timed<C>>, place: Place) -> Sample {
    let frame = joined.event_frame(place);
    let began = Instant::now();
    // Read once to be routed, and once more by the session's actor, which takes it.
    let routed = std::hint::black_box(ClientFrame::decode(&frame)).is_ok();
    let decode = began.elapsed();
    assert!(routed, "the frame is one");

    let began = Instant::now();
    joined.take(&frame);
    let taken = began.elapsed();

    let began = Instant::now();
    let answer = joined.answer();
    let answered = began.elapsed();

    let began = Instant::now();
    let up = frame.len() + joined.acknowledge();
    let settle = began.elapsed();

    // The same once more, alone: within `answer` nobody can see where it begins.
    let frames = decoded(&answer);
    let began = Instant::now();
    let again: Vec<Vec<u8>> = frames.iter().map(|(session, frame)| frame.encode(*session)).collect();
    let encode = began.elapsed();
    assert_eq!(again, answer, "a frame is written the same again");

    let rendering = joined.component().rendering.get();
    let diff = answered.saturating_sub(rendering).saturating_sub(encode);
    let stages = [2 * decode, taken.saturating_sub(decode), rendering, diff, encode, settle];
    Sample {
        stages: stages.iter().map(|stage| nanoseconds(*stage)).collect(),
        down: answer.iter().map(Vec::len).sum(),
        up,
    }
}

fn timed<C>(component: C) -> Timed<C> {
    Timed { component, rendering: Cell::default() }
}

#[expect(clippy::cast_precision_loss, reason = "far fewer nanoseconds than 2^53")]
fn nanoseconds(time: Duration) -> f64 {
    time.as_nanos() as f64
}

/// What is measured: an operation on so many rows.
#[derive(Debug, Clone, Copy)]
struct Case {
    operation: Operation,
    rows: u32,
}

impl Case {
    fn name(self) -> String {
        match self.operation {
            Operation::Counter => self.operation.name().to_owned(),
            operation => format!("{}, {}", operation.name(), thousands(self.rows)),
        }
    }

    fn ours(self, policy: Policy) -> Sample {
        let place = self.operation.place(self.rows);
        if self.operation == Operation::Counter {
            let mut joined: Joined<Timed<Adapter<Counter>>> = Joined::new(timed(counter()), policy);
            joined.event(place);
            return sample(&mut joined, place);
        }
        let mut joined: Joined<Timed<Adapter<Rows>>> =
            rows_before(self.operation, self.rows, timed(rows()), policy);
        sample(&mut joined, place)
    }

    /// Nanoseconds for the page that the operation leads to, as a string.
    fn maud(self) -> f64 {
        if self.operation == Operation::Counter {
            let began = Instant::now();
            std::hint::black_box(pages::counter_with_maud(std::hint::black_box(1)));
            return nanoseconds(began.elapsed());
        }
        let mut joined = rows_before(self.operation, self.rows, rows(), Policy::Resume);
        joined.event(self.operation.place(self.rows));
        let table = pages::table(&joined.component().0);
        let began = Instant::now();
        std::hint::black_box(pages::rows_with_maud(std::hint::black_box(&table)));
        nanoseconds(began.elapsed())
    }
}

/// Dioxus's liveview, as a process that answers requests.
struct Dioxus {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Dioxus {
    fn start() -> Result<Self, String> {
        let program = peers::build("dioxus-server", "lightspeed-bench-dioxus-server", &[])?;
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("Dioxus could not be started: {error}"))?;
        let requests = child.stdin.take().expect("it is a pipe");
        let answers = BufReader::new(child.stdout.take().expect("it is a pipe"));
        Ok(Self { child, requests, answers })
    }

    fn samples(&mut self, form: &str, case: Case, count: usize) -> Result<Vec<Sample>, String> {
        let gone = |error: std::io::Error| format!("Dioxus is gone: {error}");
        writeln!(self.requests, "{form} {} {} {count}", case.operation.word(), case.rows).map_err(gone)?;
        let mut samples = Vec::new();
        loop {
            let mut line = String::new();
            if self.answers.read_line(&mut line).map_err(gone)? == 0 {
                return Err("Dioxus has ended".to_owned());
            }
            let numbers: Vec<f64> =
                line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
            let &[decode, update, render, encode, down, up] = numbers.as_slice() else { return Ok(samples) };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes are counted")]
            let (down, up) = (down as usize, up as usize);
            samples.push(Sample { stages: vec![decode, update, render, encode], down, up });
        }
    }
}

impl Drop for Dioxus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How Dioxus's users write rows.
const FORMS: [&str; 2] = ["inline", "component"];

/// What came of a case.
struct Measured {
    case: Case,
    ours: Vec<Sample>,
    /// With the policy of the example, which stores the session.
    stored: Vec<Sample>,
    maud: Vec<f64>,
    /// By [`FORMS`]; empty without Dioxus.
    dioxus: [Vec<Sample>; 2],
}

fn run(options: &Options) -> Result<(), String> {
    let mut dioxus = if options.no_dioxus { None } else { Some(Dioxus::start()?) };
    let mut cases = vec![Case { operation: Operation::Counter, rows: 0 }];
    for &rows in &options.rows {
        cases.extend(Operation::ROWS.map(|operation| Case { operation, rows }));
    }
    let bar = crowd::progress("measured", cases.len() * options.samples);
    let mut measured = Vec::new();
    for case in cases {
        // Larger tables take longer to be made than to be measured.
        let samples = if case.rows > 1_000 { options.samples.div_ceil(3) } else { options.samples };
        let policy = match case.operation {
            Operation::Counter => Adapter::<Counter>::policy(true),
            _ => Adapter::<Rows>::policy(true),
        };
        let mut of = Measured {
            case,
            ours: Vec::new(),
            stored: Vec::new(),
            maud: Vec::new(),
            dioxus: [Vec::new(), Vec::new()],
        };
        while of.ours.len() < samples {
            let turn = options.turn.min(samples - of.ours.len()).max(1);
            of.ours.extend((0..turn).map(|_| case.ours(Policy::Resume)));
            of.stored.extend((0..turn).map(|_| case.ours(policy)));
            of.maud.extend((0..turn).map(|_| case.maud()));
            if let Some(dioxus) = &mut dioxus {
                for (form, samples) in FORMS.iter().zip(&mut of.dioxus) {
                    samples.extend(dioxus.samples(form, case, turn)?);
                }
            }
        }
        bar.inc(options.samples as u64);
        measured.push(of);
    }
    bar.finish_and_clear();
    print(&measured);
    let path = results::write("server", &json(&measured))?;
    println!("\n{}", machine::describe());
    println!("Lightspeed {}, Dioxus {DIOXUS_VERSION}, {}.", env!("CARGO_PKG_VERSION"), machine::compiler());
    println!("Every sample: {}", path.display());
    Ok(())
}

/// The lower quartile: whatever else the machine does makes a sample longer and never shorter.
fn quartile(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 4).copied().unwrap_or(f64::NAN)
}

fn stage(samples: &[Sample], stage: usize) -> f64 {
    quartile(samples.iter().map(|sample| sample.stages[stage]))
}

fn total(samples: &[Sample]) -> f64 {
    quartile(samples.iter().map(Sample::total))
}

fn microseconds(nanoseconds: f64) -> String {
    let microseconds = nanoseconds / 1_000.0;
    if microseconds < 10.0 { format!("{microseconds:.2}") } else { format!("{microseconds:.0}") }
}

fn print(measured: &[Measured]) {
    println!("Lightspeed, microseconds of an event, lower quartiles:\n");
    println!(
        "| operation | {} | together | as stored | maud, whole page | together / maud |",
        STAGES.join(" | ")
    );
    println!("|---|{}---|---|---|---|", "---|".repeat(STAGES.len()));
    for of in measured {
        let stages: Vec<String> =
            (0..STAGES.len()).map(|index| microseconds(stage(&of.ours, index))).collect();
        let (ours, maud) = (total(&of.ours), quartile(of.maud.iter().copied()));
        println!(
            "| {} | {} | {} | {} | {} | {:.2} |",
            of.case.name(),
            stages.join(" | "),
            microseconds(ours),
            microseconds(total(&of.stored)),
            microseconds(maud),
            ours / maud,
        );
    }
    if measured.iter().all(|of| of.dioxus[0].is_empty()) {
        return;
    }
    println!("\nBeside Dioxus, in turns; the faster of the two ways to write rows counts:\n");
    println!(
        "| operation | decode | update | render and diff | encode | together | written | Dioxus / Lightspeed | bytes down | Dioxus's | share |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut missed = Vec::new();
    for of in measured {
        let fastest = usize::from(total(&of.dioxus[0]) > total(&of.dioxus[1]));
        let (theirs, ours) = (&of.dioxus[fastest], &of.ours);
        let ratio = total(theirs) / total(ours);
        let (down, their_down) =
            (ours[0].down, of.dioxus.iter().map(|samples| samples[0].down).min().unwrap_or(0));
        let stages: Vec<String> = (0..4).map(|index| microseconds(stage(theirs, index))).collect();
        #[expect(clippy::cast_precision_loss, reason = "far fewer bytes than 2^53")]
        let share = down as f64 / their_down as f64;
        println!(
            "| {} | {} | {} | {} | {ratio:.1} | {down} | {their_down} | {share:.2} |",
            of.case.name(),
            stages.join(" | "),
            microseconds(total(theirs)),
            if of.case.operation == Operation::Counter { "-" } else { FORMS[fastest] },
        );
        if of.case.rows == 1_000 && ratio < DIOXUS_RATIO_MIN {
            missed.push(format!(
                "{}: {ratio:.1} times less server time, {DIOXUS_RATIO_MIN} wanted",
                of.case.name()
            ));
        }
        if share > 0.5 {
            missed.push(format!("{}: {share:.2} of Dioxus's bytes, 0.5 wanted", of.case.name()));
        }
    }
    println!();
    for line in &missed {
        println!("missed: {line}");
    }
    if missed.is_empty() {
        println!(
            "Nothing is missed: {DIOXUS_RATIO_MIN} times less server time on 1,000 rows, half the bytes on all."
        );
    }
}

fn json(measured: &[Measured]) -> Value {
    let samples = |samples: &[Sample]| -> Value {
        samples
            .iter()
            .map(|sample| json!({ "ns": sample.stages, "down": sample.down, "up": sample.up }))
            .collect()
    };
    let cases = measured.iter().map(|of| {
        json!({
            "operation": of.case.operation.word(),
            "rows": of.case.rows,
            "stages": STAGES,
            "lightspeed": samples(&of.ours),
            "lightspeed_stored": samples(&of.stored),
            "maud_ns": of.maud,
            "dioxus_stages": ["decode", "update", "render and diff", "encode"],
            "dioxus_inline": samples(&of.dioxus[0]),
            "dioxus_component": samples(&of.dioxus[1]),
        })
    });
    cases.collect()
}

fn thousands(number: u32) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}
