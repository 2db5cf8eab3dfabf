//! Everyone loses the connection at once, and everyone comes back.
//!
//! `cargo run --release -p lightspeed-bench --bin storm -- --sessions 10000` connects visitors to a gallery of its
//! own, over loopback only; then restarts the gallery on its port, or cuts every socket; and prints
//! how long it takes until they are back. It fails when one is not.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use lightspeed_bench::{crowd, gallery, machine};
use lightspeed_interpreter::LinkState;
use lightspeed_testing::native::process::raise_descriptor_limit;
use lightspeed_testing::native::{ProcessConfig, ServerProcess, Shown, Visitor};
use tokio::time::Instant;

/// Everyone loses the connection at once, and everyone comes back.
#[derive(Debug, Parser)]
struct Options {
    /// How many visitors there are, each with a page of one session.
    #[arg(long, default_value_t = 10_000)]
    sessions: usize,
    /// What is lost.
    #[arg(long, value_enum, default_value_t = Lost::Server)]
    lose: Lost,
    /// How many seconds all may take to be back.
    #[arg(long, default_value_t = 120)]
    deadline: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Lost {
    /// The server, which is asked to end and started again on its port.
    Server,
    /// The connections, and nothing else.
    Sockets,
}

/// How many descriptors a process needs besides those of its sockets.
const DESCRIPTORS_OTHER: u64 = 200;

/// How long a server may take to end.
const END_WITHIN: Duration = Duration::from_mins(1);

fn main() -> ExitCode {
    let options = Options::parse();
    // Built before there is a runtime, whose threads it would wait in.
    let run = gallery::program().and_then(|program| {
        let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
        runtime.block_on(run(&options, program))
    });
    match run {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("storm: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all came back.
async fn run(options: &Options, program: std::path::PathBuf) -> Result<bool, String> {
    // The gallery inherits it. A page that is fetched again needs a second socket for a moment.
    let descriptors = raise_descriptor_limit().map_err(|error| error.to_string())?;
    let needed = options.sessions as u64 + DESCRIPTORS_OTHER;
    if descriptors < needed {
        return Err(format!("{needed} descriptors are needed and {descriptors} allowed: raise `ulimit -Hn`"));
    }
    // A line for each socket that closes would be a load of its own.
    let config = ProcessConfig::default()
        .with_variable("RUST_LOG", "error")
        // All of them come from one.
        .with_variable("LIGHTSPEED_SESSIONS_PER_ADDRESS", "1000000");
    let mut server = ServerProcess::start_with(program, config).await.map_err(|error| error.to_string())?;
    let connecting = Instant::now();
    let visitors = crowd::gather(&server.url("/counter"), options.sessions).await?;
    let connected = connecting.elapsed();
    // Something to keep, or to lose.
    for visitor in &visitors {
        let within = Duration::from_secs(options.deadline);
        visitor.click_times("inc", 1, within).await.map_err(|error| error.to_string())?;
    }
    for visitor in &visitors {
        let within = Duration::from_secs(options.deadline);
        let counted = visitor.wait_until(within, |page| page.has_text("count", "1")).await;
        counted.map_err(|error| error.to_string())?;
    }
    let before = server.memory_peak_bytes().map_err(|error| error.to_string())?;

    let began = Instant::now();
    let mut served = Duration::ZERO;
    match options.lose {
        Lost::Server => {
            server.terminate(END_WITHIN).await.map_err(|error| error.to_string())?;
            let ended = began.elapsed();
            server.restart().await.map_err(|error| error.to_string())?;
            served = began.elapsed();
            println!("the server ended after {} and served again after {}", seconds(ended), seconds(served));
        }
        Lost::Sockets => visitors.iter().for_each(Visitor::cut),
    }
    let within = Duration::from_secs(options.deadline);
    let is_back = async |visitor: &Visitor| {
        let is_back = |page: &Shown| page.connected_count() > 1 && page.state() == LinkState::Connected;
        visitor.wait_until(within, is_back).await
    };
    let times = crowd::returns(&visitors, began, within, is_back).await;
    let after = server.memory_peak_bytes().map_err(|error| error.to_string())?;
    let kept = visitors.iter().filter(|visitor| visitor.text_of("count").as_deref() == Some("1")).count();

    let sessions = options.sessions;
    let share = |percent: usize| times.get((sessions * percent).div_ceil(100).saturating_sub(1));
    let told = |time: Option<&Duration>| time.map_or_else(|| "never".to_owned(), |time| seconds(*time));
    let lost = if options.lose == Lost::Server { "server" } else { "sockets" };
    println!(
        "| sessions | lost | connected | first back | half | 99 % | all | back | kept | peak before | peak after |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    println!(
        "| {sessions} | {lost} | {} | {} | {} | {} | {} | {} | {kept} | {} | {} |",
        seconds(connected),
        told(times.first()),
        told(share(50)),
        told(share(99)),
        told(share(100)),
        times.len(),
        mebibytes(before),
        mebibytes(after),
    );
    println!("\n{}", machine::describe());
    if served > Duration::ZERO {
        println!("Times count from the moment the server was asked to end.");
    }
    if times.len() < sessions {
        let missing = sessions - times.len();
        eprintln!("storm: {missing} of {sessions} are not back within {}", seconds(within));
        if let Some(one) = visitors.iter().find(|visitor| visitor.state() != LinkState::Connected) {
            eprintln!(
                "storm: one of them is {:?}",
                one.look(|page| (page.state(), page.failures().to_vec()))
            );
        }
        eprintln!("{}", server.log());
    }
    Ok(times.len() == sessions)
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "far less memory than 2^53 bytes")]
fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
