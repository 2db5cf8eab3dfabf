//! How an event's cost grows with what is on the page: two rows of many change, in a list that is rendered
//! as a whole (`@for`), in memos, and in a stream; and something beside a long list that doesn't.
//!
//! `make bench-growth` prints time, calls of the allocator and bytes for each event, on 100 to 100,000 rows, and fits
//! a power of the number of rows to the time: 0 is a cost that doesn't grow, 1 one that grows as the page does.

use std::alloc::System;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use lightspeed::html;
use lightspeed_bench::joined::Joined;
use lightspeed_bench::{crowd, machine, results};
use lightspeed_core::session::Component;
use lightspeed_core::{Html, Memo, MemoList, Policy, Stream};
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How an event's cost grows with what is on the page.
#[derive(Debug, Parser)]
struct Options {
    /// How many rows there are.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000, 10_000, 100_000])]
    rows: Vec<u64>,
    /// How often each event is measured.
    #[arg(long, default_value_t = 40)]
    samples: usize,
}

/// How a list is written, and what changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `@for`: the server keeps the rows, and renders all of them again.
    List,
    /// `@memo`: it compares what each row depends on.
    Rows,
    /// `@memo` within blocks of rows, each in a `Memo`.
    Blocks,
    /// The rows are in a `Memo`, and something beside them changes.
    Beside,
    /// `@stream`: it keeps the rows' keys.
    Stream,
}

const FORMS: [Form; 5] = [Form::List, Form::Rows, Form::Blocks, Form::Beside, Form::Stream];

impl Form {
    const fn name(self) -> &'static str {
        match self {
            Self::List => "two rows of `@for`",
            Self::Rows => "two rows of `@memo`",
            Self::Blocks => "two rows of `@memo` in blocks of 100",
            Self::Beside => "beside rows in a `Memo`",
            Self::Stream => "two rows of `@stream`",
        }
    }

    /// Whether the cost is to know nothing of the page's length. Rows in blocks take a step for each block.
    const fn is_flat(self) -> bool {
        matches!(self, Self::Beside | Self::Stream)
    }
}

/// Rows of a block.
const BLOCK: u64 = 100;

#[derive(Debug, Clone)]
struct Row {
    id: u64,
    is_chosen: bool,
}

struct Page {
    form: Form,
    count: u64,
    chosen: u64,
    stream: Stream<Row>,
    table: Memo<(), Msg>,
    blocks: Vec<Block>,
}

#[derive(Default)]
struct Block {
    memo: Memo<Option<u64>, Msg>,
    rows: MemoList<bool, Msg>,
}

#[derive(Debug, Clone)]
enum Msg {
    Choose(u64),
}

impl Page {
    fn new(form: Form, count: u64) -> Self {
        let blocks = match form {
            Form::Rows => 1,
            Form::Blocks => count.div_ceil(BLOCK),
            _ => 0,
        };
        let blocks = (0..blocks).map(|_| Block::default()).collect();
        Self { form, count, chosen: 0, stream: Stream::new(), table: Memo::default(), blocks }
    }

    fn rows(&self, ids: std::ops::Range<u64>) -> impl Iterator<Item = Row> {
        let chosen = if self.form == Form::Beside { None } else { Some(self.chosen) };
        ids.map(move |id| Row { id, is_chosen: Some(id) == chosen })
    }

    fn list(&self) -> Html<Msg> {
        html! {
            ul {
                @for row in self.rows(0..self.count) {
                    li key=(row.id) class=[row.is_chosen.then_some("chosen")] {
                        "Row " (row.id) button onclick=(Msg::Choose(row.id)) { "choose" }
                    }
                }
            }
        }
    }

    fn block(&self, block: &Block, ids: std::ops::Range<u64>) -> Html<Msg> {
        html! {
            ul {
                @memo row in block.rows.over(self.rows(ids), |row| row.is_chosen) {
                    li key=(row.id) class=[row.is_chosen.then_some("chosen")] {
                        "Row " (row.id) button onclick=(Msg::Choose(row.id)) { "choose" }
                    }
                }
            }
        }
    }

    fn streamed(&self) -> Html<Msg> {
        html! {
            ul {
                @stream row in self.stream.over(|| self.rows(0..self.count)) {
                    li key=(row.id) class=[row.is_chosen.then_some("chosen")] {
                        "Row " (row.id) button onclick=(Msg::Choose(row.id)) { "choose" }
                    }
                }
            }
        }
    }
}

impl Component for Page {
    type Message = Msg;
    type Effect = ();

    fn update(&mut self, Msg::Choose(id): Msg, _: &mut Vec<()>) {
        let before = std::mem::replace(&mut self.chosen, id);
        if self.form == Form::Stream {
            self.stream.update(Row { id: before, is_chosen: false });
            self.stream.update(Row { id, is_chosen: true });
        }
    }

    fn render(&self) -> Html<Msg> {
        match self.form {
            Form::List => self.list(),
            Form::Rows => self.block(&self.blocks[0], 0..self.count),
            Form::Blocks => html! {
                @for (index, block) in (0..).zip(&self.blocks) {
                    @let ids = index * BLOCK..self.count.min((index + 1) * BLOCK);
                    @let chosen = ids.contains(&self.chosen).then_some(self.chosen);
                    div key=(index) { (block.memo.of(chosen, || self.block(block, ids))) }
                }
            },
            Form::Beside => html! { p { (self.chosen) } (self.table.of((), || self.list())) },
            Form::Stream => self.streamed(),
        }
    }
}

/// What an event costs.
#[derive(Debug, Clone, Copy)]
struct Cost {
    microseconds: f64,
    allocations: usize,
    bytes: usize,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("growth: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let bar = crowd::progress("measured", FORMS.len() * options.rows.len());
    let mut measured = Vec::new();
    for form in FORMS {
        let costs: Vec<(u64, Cost)> = options
            .rows
            .iter()
            .map(|&rows| {
                bar.inc(1);
                (rows, cost(form, rows, options.samples))
            })
            .collect();
        measured.push((form, costs));
    }
    bar.finish_and_clear();
    print(&measured);
    let path = results::write("growth", &measured.iter().map(|(form, costs)| json(*form, costs)).collect())?;
    println!("\n{}", machine::describe());
    println!("Every figure: {}", path.display());
    Ok(())
}

/// The lower quartile of the time; the counts are the same each time.
fn cost(form: Form, count: u64, samples: usize) -> Cost {
    let mut joined = Joined::new(Page::new(form, count), Policy::Resume);
    let mut costs: Vec<Cost> = (0..samples.max(4))
        .map(|sample| {
            // Here and there, as people click.
            let id = (sample as u64 * 7_919 + 1) % count;
            let region = Region::new(ALLOCATOR);
            let began = Instant::now();
            let frames = black_box(joined.message(Msg::Choose(id)));
            let microseconds = began.elapsed().as_secs_f64() * 1e6;
            let change = region.change();
            let bytes = frames.iter().map(Vec::len).sum();
            Cost { microseconds, allocations: change.allocations + change.reallocations, bytes }
        })
        .collect();
    costs.sort_by(|a, b| a.microseconds.total_cmp(&b.microseconds));
    let quartile = costs[costs.len() / 4];
    costs.sort_by_key(|cost| cost.allocations);
    Cost { allocations: costs[costs.len() / 2].allocations, ..quartile }
}

/// The exponent of the power of rows that fits the time best: the slope of a line through logarithms, by least squares.
#[expect(clippy::cast_precision_loss, reason = "far fewer rows than 2^53")]
fn exponent(costs: &[(u64, Cost)]) -> f64 {
    let points: Vec<(f64, f64)> =
        costs.iter().map(|(rows, cost)| ((*rows as f64).ln(), cost.microseconds.ln())).collect();
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let covariance: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let variance: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    covariance / variance
}

fn print(measured: &[(Form, Vec<(u64, Cost)>)]) {
    println!(
        "What changes of a long page, or beside it: microseconds of the server (lower quartile), calls of the allocator, bytes sent.\n"
    );
    println!("| what | rows | us | allocations | bytes | time grows as rows to the |");
    println!("|---|---|---|---|---|---|");
    for (form, costs) in measured {
        for (index, (rows, cost)) in costs.iter().enumerate() {
            let fit = if index == 0 { format!("{:.2}", exponent(costs)) } else { String::new() };
            println!(
                "| {} | {rows} | {:.1} | {} | {} | {fit} |",
                form.name(),
                cost.microseconds,
                cost.allocations,
                cost.bytes
            );
        }
    }
}

fn json(form: Form, costs: &[(u64, Cost)]) -> Value {
    let points: Vec<Value> = costs
        .iter()
        .map(|(rows, cost)| {
            json!({ "rows": rows, "us": cost.microseconds, "allocations": cost.allocations, "bytes": cost.bytes })
        })
        .collect();
    json!({ "name": form.name(), "is_flat": form.is_flat(), "exponent": exponent(costs), "points": points })
}
