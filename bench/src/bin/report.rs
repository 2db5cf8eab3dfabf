//! The last step of `make bench`: reads what the measurements left in `bench/results`, prints what was
//! promised beside what was measured, and writes `bench/results/bench.json`, a page with plots,
//! `bench/results/bench.html`, and, when no measurement is missing, `bench/RESULTS.md`.

use std::process::ExitCode;

use lightspeed_bench::report::{Report, page};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("report: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let report = Report::read()?;
    print!("{}", report.markdown());
    let json = report.write("bench.json", &format!("{:#}\n", report.json()))?;
    let html = report.write("bench.html", &page::html(&report)?)?;
    println!("\nAll figures: {}; with plots: {}", json.display(), html.display());
    match report.missing() {
        missing if missing.is_empty() => {
            println!("For the repository: {}", report.write_results()?.display());
        }
        missing => println!("bench/RESULTS.md stays as it is: {} not measured", missing.join(", ")),
    }
    Ok(())
}
