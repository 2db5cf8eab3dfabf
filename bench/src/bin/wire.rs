//! Prints what the operations of the counter and the rows cost on the wire, and how large the client
//! is, beside the budgets in `bench/limits.toml`; fails above them.

use std::process::ExitCode;

use lightspeed_bench::limits::Limits;
use lightspeed_bench::wire::{client_sizes, costs};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("wire: over budget");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("wire: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything is within its budget.
fn run() -> Result<bool, String> {
    let limits = Limits::read()?;
    let told =
        |group: &str, name: &str| limits.get(group, name).map_or("-".to_owned(), |max| max.to_string());
    let mut is_within = true;
    println!("| operation | down | budget | compressed | budget | up | budget | framed down / up | frames |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for cost in costs() {
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {} / {} | {} |",
            cost.name,
            cost.down,
            told("down", cost.name),
            cost.compressed_down,
            told("compressed", cost.name),
            cost.up,
            told("up", cost.name),
            cost.framed_down,
            cost.framed_up,
            cost.frame_count,
        );
        is_within &= limits.allow("down", cost.name, cost.down)
            && limits.allow("compressed", cost.name, cost.compressed_down)
            && limits.allow("up", cost.name, cost.up);
    }
    println!();
    println!(
        "Down includes the templates that the page lacked. An up is the event and the acknowledgement of its patch."
    );
    println!("Compressed is what the server's socket makes of it for a client that can inflate.");
    println!();
    println!("| client | raw | gzip | brotli | budget |\n|---|---|---|---|---|");
    for size in client_sizes()? {
        let budget = told("client", &size.name);
        println!("| {} | {} | {} | {} | {budget} |", size.name, size.raw, size.gzip, size.brotli);
        is_within &= limits.allow("client", &size.name, size.brotli);
    }
    Ok(is_within)
}
