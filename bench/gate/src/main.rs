//! Holds the figures that don't drift to their limits: bytes, instructions, allocations, ratios of them.
//!
//! `make bench-gate` prints what exceeds `bench/limits.toml` and what to do about it, and fails. No clock
//! is read, so a busy machine gives the same answer. Instructions are counted by `benches/instructions.rs`.

use std::alloc::System;
use std::collections::BTreeMap;
use std::process::{Command, ExitCode, Stdio};

use clap::Parser;
use lightspeed::Adapter;
use lightspeed_bench::children::{Children, Way};
use lightspeed_bench::joined::{Joined, Operation, Place, counter, rows, rows_before};
use lightspeed_bench::limits::{Figure, Limits, Verdict};
use lightspeed_bench::{machine, results, wire};
use lightspeed_core::Policy;
use lightspeed_core::session::Component;
use lightspeed_examples::rows::Rows;
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Holds the figures that don't drift to their limits.
#[derive(Debug, Parser)]
struct Options {
    /// Leaves out what valgrind counts.
    #[arg(long)]
    no_instructions: bool,
    /// Prints every figure, and not only those above their limits.
    #[arg(long)]
    all: bool,
}

/// The tables of the file: what they hold, its unit, and the mend.
const GROUPS: [(&str, &str, &str); 8] = [
    (
        "down",
        "bytes",
        "`make bench-wire` shows each operation; `lightspeed replay` and a program's disassembly, what is in a frame",
    ),
    (
        "compressed",
        "bytes",
        "as [down]; runtime/server/src/socket/deflate.rs has the level, `make bench-deflate` what others give",
    ),
    ("up", "bytes", "`make bench-wire` shows each operation; protocol/src/frame.rs has the fields"),
    ("client", "bytes", "`make client` tells the sizes; `twiggy top` what is in the WebAssembly"),
    (
        "allocations",
        "calls",
        "look for a clone, a `collect` or a growing buffer that is new; `valgrind --tool=dhat` names the lines",
    ),
    (
        "allocated",
        "bytes",
        "a value of a tree has grown, or is kept twice; `valgrind --tool=dhat` names the lines",
    ),
    (
        "instructions",
        "",
        "`cargo bench -p lightspeed-gate --bench instructions` on both commits; callgrind_annotate names the functions",
    ),
    (
        "ratios",
        "",
        "what is above the line does more for each row, or what is below it less; see the instructions",
    ),
];

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("gate: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything is within its limit.
fn run(options: &Options) -> Result<bool, String> {
    let limits = Limits::read()?;
    let mut figures = Vec::new();
    for cost in wire::costs() {
        figures.push(Figure::count("down", cost.name, cost.down as u64));
        figures.push(Figure::count("compressed", cost.name, cost.compressed_down as u64));
        figures.push(Figure::count("up", cost.name, cost.up as u64));
    }
    let sizes = wire::client_sizes()?;
    let all = sizes.last().map_or(0, |all| all.brotli);
    figures.push(Figure::count("client", "all", all as u64));
    allocations(&mut figures);
    if !options.no_instructions {
        let counts = instructions()?;
        let ratio = |above: &str, below: &str| -> Result<f64, String> {
            let count =
                |name: &str| counts.get(name).copied().ok_or_else(|| format!("no count is named `{name}`"));
            Ok(count(above)? / count(below)?)
        };
        for (name, above, below) in RATIOS {
            figures.push(Figure { group: "ratios", name: (*name).to_owned(), value: ratio(above, below)? });
        }
        for (name, value) in counts {
            figures.push(Figure { group: "instructions", name, value });
        }
    }

    let verdicts = limits.judge(figures);
    let mut unused = limits.unused(&verdicts);
    unused.retain(|name| {
        !options.no_instructions || !(name.starts_with("[instructions]") || name.starts_with("[ratios]"))
    });
    let exceeding = verdicts.iter().filter(|verdict| !verdict.is_within()).collect::<Vec<_>>();
    if options.all {
        table(verdicts.iter());
        println!();
    } else if !exceeding.is_empty() {
        table(exceeding.iter().copied());
        println!();
    }
    for (group, _, mend) in GROUPS {
        if exceeding.iter().any(|verdict| verdict.figure.group == group) {
            println!("[{group}] {mend}.");
        }
    }
    for name in &unused {
        println!("{name}: a limit of bench/limits.toml that no figure was measured for; remove it.");
    }
    let path = results::write("gate", &json(&verdicts))?;
    println!("{}, {}; every figure: {}", machine::describe(), machine::compiler(), path.display());
    let is_held = exceeding.is_empty() && unused.is_empty();
    if is_held {
        println!("gate: all {} figures are within bench/limits.toml", verdicts.len());
    } else {
        eprintln!(
            "gate: {} of {} figures exceed bench/limits.toml. If the change is worth it, raise the limit there and say why.",
            exceeding.len(),
            verdicts.len()
        );
    }
    Ok(is_held)
}

/// Instructions of one thing for each of another; both of one build, so that a new compiler moves both.
const RATIOS: &[(&str, &str, &str)] = &[
    ("create 1,000 / maud's page", "rows_event create_1000", "maud_rows rows_1000"),
    ("select in 1,000 / maud's page", "rows_event select_1000", "maud_rows rows_1000"),
    ("counter +1 / maud's page", "counter_event plus_1", "maud_counter count"),
    ("select in 10,000 / in 1,000", "rows_event select_10000", "rows_event select_1000"),
    ("select, stored / kept in memory", "rows_event_stored select_1000", "rows_event select_1000"),
    ("one of 1,000 children / rows, inline", "children_event mapped", "children_event inline"),
    ("one of 1,000 children / rows, spliced", "children_event mapped", "children_event spliced"),
    ("one of 1,000 children in `@memo` / rows, inline", "children_event memoized", "children_event inline"),
];

fn table<'v>(verdicts: impl Iterator<Item = &'v Verdict>) {
    println!("| figure | measured | limit | of it |\n|---|---|---|---|");
    for Verdict { figure, max } in verdicts {
        let unit = GROUPS.iter().find(|group| group.0 == figure.group).map_or("", |group| group.1);
        let told = |value: f64| if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.3}") };
        let limit = max.map_or("none: add one".to_owned(), told);
        let share = max.map_or(String::new(), |max| format!("{:.0} %", figure.value / max * 100.0));
        println!(
            "| [{}] {} | {} {unit} | {limit} | {share} |",
            figure.group,
            figure.name,
            told(figure.value)
        );
    }
}

fn json(verdicts: &[Verdict]) -> Value {
    let figure = |verdict: &Verdict| {
        let Verdict { figure, max } = verdict;
        json!({ "group": figure.group, "name": figure.name, "value": figure.value, "max": max })
    };
    verdicts.iter().map(figure).collect()
}

/// Allocations of an event, from its frame to the frames of its answer, and the acknowledgement.
fn allocations(figures: &mut Vec<Figure>) {
    let mut joined = Joined::new(counter(), Policy::Resume);
    let place = Operation::Counter.place(0);
    // Buffers that stay get their size.
    for _ in 0..10 {
        joined.event(place);
    }
    count("counter +1", joined, place, figures);
    for operation in Operation::ROWS {
        let joined = rows_before(operation, 1_000, rows(), Policy::Resume);
        count(operation.name(), joined, operation.place(1_000), figures);
    }
    let operation = Operation::Select;
    let joined = rows_before(operation, 1_000, rows(), Adapter::<Rows>::policy(true));
    count("select a row, stored", joined, operation.place(1_000), figures);
    for way in Way::ALL {
        let mut joined = Joined::new(Children::new(way, 1_000), Policy::Resume);
        joined.event(way.place());
        count(way.name(), joined, way.place(), figures);
    }
}

fn count<C: Component>(name: &str, mut joined: Joined<C>, place: Place, figures: &mut Vec<Figure>) {
    let region = Region::new(ALLOCATOR);
    let answer = joined.event(place);
    let change = region.change();
    drop(answer);
    figures.push(Figure::count("allocations", name, (change.allocations + change.reallocations) as u64));
    figures.push(Figure::count("allocated", name, change.bytes_allocated as u64));
}

/// Instructions by the name of the function and of the case.
fn instructions() -> Result<BTreeMap<String, f64>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["bench", "--quiet", "-p", "lightspeed-gate", "--bench", "instructions", "--"])
        .args(["--output-format=json"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("cargo could not be run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("instructions could not be counted; is `make setup` done?\n{said}"));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter(|line| line.starts_with('{')).map(instruction_count).collect()
}

/// A line of gungraun's output.
fn instruction_count(line: &str) -> Result<(String, f64), String> {
    let told = |what: &str| format!("gungraun's answer has no {what}: {line}");
    let summary: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let function = summary["function_name"].as_str().ok_or_else(|| told("function_name"))?;
    let id = summary["id"].as_str().ok_or_else(|| told("id"))?;
    let tools = summary["profiles"].as_array().ok_or_else(|| told("profiles"))?;
    let callgrind = tools.iter().find(|tool| tool["tool"] == "Callgrind").ok_or_else(|| told("Callgrind"))?;
    let count = callgrind["data"]["total"]["metrics"]["Ir"]["values"]["new"].as_f64();
    Ok((format!("{function} {id}"), count.ok_or_else(|| told("Ir"))?))
}
