//! Instructions of a server for an event, counted by [Callgrind](https://valgrind.org/docs/manual/cl-manual.html):
//! the same on every run of a build, however busy the machine is.
//!
//! `cargo bench -p lightspeed-gate --bench instructions` shows them with what changed since the last run;
//! `make bench-gate` compares them with `limits.toml`. Needs valgrind and gungraun-runner (`make setup`).

#![expect(missing_docs, reason = "gungraun's macros write functions that nobody calls")]

use std::hint::black_box;

use gungraun::prelude::*;
use lightspeed::Adapter;
use lightspeed_bench::children::{Children, Msg, Way};
use lightspeed_bench::joined::{Joined, Operation, Place, counter, rows, rows_before};
use lightspeed_bench::pages::{Table, counter_with_maud, rows_with_maud, table};
use lightspeed_core::session::Component;
use lightspeed_core::{Html, Policy};
use lightspeed_examples::counter::Counter;
use lightspeed_examples::rows::Rows;

type Prepared<C> = (Joined<Adapter<C>>, Place);

fn rows_prepared(operation: Operation, count: u32) -> Prepared<Rows> {
    (rows_before(operation, count, rows(), Policy::Resume), operation.place(count))
}

/// As the example has it: the session is stored from time to time.
fn rows_stored(operation: Operation, count: u32) -> Prepared<Rows> {
    (rows_before(operation, count, rows(), Adapter::<Rows>::policy(true)), operation.place(count))
}

/// In the middle of its life: templates are known and buffers have their size.
fn counter_prepared() -> Prepared<Counter> {
    let mut joined = Joined::new(counter(), Policy::Resume);
    joined.event(Operation::Counter.place(0));
    (joined, Operation::Counter.place(0))
}

fn rows_table(count: u32) -> Table {
    let mut joined = rows_before(Operation::Create, count, rows(), Policy::Resume);
    joined.event(Operation::Create.place(count));
    let table = table(&joined.component().0);
    // What it gave back would be what the allocator has to look through while maud's page is measured.
    std::mem::forget(joined);
    table
}

fn children_prepared(way: Way) -> (Joined<Children>, Way) {
    let mut joined = Joined::new(Children::new(way, 1_000), Policy::Resume);
    joined.event(way.place());
    (joined, way)
}

#[library_benchmark]
#[bench::plus_1(setup = counter_prepared)]
fn counter_event((mut joined, place): Prepared<Counter>) -> Prepared<Counter> {
    black_box(joined.event(black_box(place)));
    (joined, place)
}

#[library_benchmark(setup = rows_prepared)]
#[bench::create_1000(Operation::Create, 1_000)]
#[bench::replace_1000(Operation::Replace, 1_000)]
#[bench::append_1000(Operation::Append, 1_000)]
#[bench::update_1000(Operation::Update, 1_000)]
#[bench::select_1000(Operation::Select, 1_000)]
#[bench::swap_1000(Operation::Swap, 1_000)]
#[bench::remove_1000(Operation::Remove, 1_000)]
#[bench::clear_1000(Operation::Clear, 1_000)]
#[bench::select_10000(Operation::Select, 10_000)]
fn rows_event((mut joined, place): Prepared<Rows>) -> Prepared<Rows> {
    black_box(joined.event(black_box(place)));
    (joined, place)
}

#[library_benchmark(setup = rows_stored)]
#[bench::select_1000(Operation::Select, 1_000)]
fn rows_event_stored((mut joined, place): Prepared<Rows>) -> Prepared<Rows> {
    black_box(joined.event(black_box(place)));
    (joined, place)
}

#[library_benchmark(setup = children_prepared)]
#[bench::inline(Way::Inline)]
#[bench::spliced(Way::Spliced)]
#[bench::mapped(Way::Mapped)]
#[bench::memoized(Way::Memoized)]
fn children_event((mut joined, way): (Joined<Children>, Way)) -> Joined<Children> {
    black_box(joined.event(black_box(way.place())));
    joined
}

#[library_benchmark(setup = children_prepared)]
#[bench::inline(Way::Inline)]
#[bench::spliced(Way::Spliced)]
#[bench::mapped(Way::Mapped)]
#[bench::memoized(Way::Memoized)]
fn children_render((joined, _): (Joined<Children>, Way)) -> (Joined<Children>, Html<Msg>) {
    let html = black_box(joined.component().render());
    (joined, html)
}

#[library_benchmark(setup = rows_table)]
#[bench::rows_1000(1_000)]
fn maud_rows(table: Table) -> (Table, String) {
    let html = black_box(rows_with_maud(black_box(&table)));
    (table, html)
}

#[library_benchmark]
#[bench::count(1)]
fn maud_counter(count: i64) -> String {
    black_box(counter_with_maud(black_box(count)))
}

library_benchmark_group!(
    name = instructions,
    benchmarks = [
        counter_event,
        rows_event,
        rows_event_stored,
        children_event,
        children_render,
        maud_rows,
        maud_counter
    ]
);

main!(library_benchmark_groups = instructions);
