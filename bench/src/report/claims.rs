//! What is promised of each figure. Times are only ever compared within one run: as ratios to what ran beside.

use serde_json::Value;

use super::{Claim, Limit, Report};
use crate::limits::Limits;

/// The rows operations, as the browser's measurement and the server's name them, with the budget of the first
/// as a multiple of vanilla JavaScript.
const OPERATIONS: [(&str, &str, Option<f64>); 8] = [
    ("create", "create 1,000 rows", Some(1.15)),
    ("replace", "replace 1,000 rows", None),
    ("append", "append 1,000 rows", None),
    ("update", "update every 10th of 1,000", Some(2.5 / 1.7)),
    ("select", "select one of 1,000", Some(1.4 / 0.9)),
    ("swap", "swap two of 1,000", Some(1.8 / 1.3)),
    ("remove", "remove one of 1,000", Some(2.0 / 1.4)),
    ("clear", "clear 1,000 rows", Some(10.0 / 9.0)),
];

/// Operations whose client alone is to take at most 1.15 times what vanilla takes for the same change from a socket.
const CLIENT_ALONE: [&str; 5] = ["create", "update", "select", "swap", "remove"];

/// All promises, measured or not.
pub fn all(report: &Report) -> Vec<Claim> {
    let mut claims = wire(report);
    claims.extend(server(report));
    claims.extend(growth(report));
    claims.extend(memory(report));
    claims.extend(load(report));
    claims.extend(browser(report));
    claims
}

fn claim(command: &'static str, what: impl Into<String>, figure: Option<f64>, limit: Limit) -> Claim {
    Claim { what: what.into(), command, figure, limit, unit: "", beside: String::new() }
}

/// The middle of a list.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

fn quartile(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 4).copied()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[expect(clippy::cast_precision_loss, reason = "far fewer bytes than 2^53")]
fn wire(report: &Report) -> Vec<Claim> {
    let Ok(limits) = Limits::read() else { return Vec::new() };
    let mut claims = Vec::new();
    for cost in &report.wire {
        for (group, bytes, way) in [("down", cost.down, "down"), ("up", cost.up, "up")] {
            if let Some(limit) = limits.get(group, cost.name) {
                let what = format!("{}, {way}", cost.name);
                let figure = Some(bytes as f64);
                claims.push(Claim {
                    unit: "bytes",
                    ..claim("make bench-wire", what, figure, Limit::Most(limit))
                });
            }
        }
    }
    if let (Some(all), Some(limit)) = (report.client.last(), limits.get("client", "all")) {
        let figure = Some(all.brotli as f64);
        let what = "the client, all of it, by brotli";
        claims.push(Claim { unit: "bytes", ..claim("make bench-wire", what, figure, Limit::Most(limit)) });
    }
    claims
}

/// A case of the server's measurement: lower quartiles of microseconds, ours, maud's and the faster Dioxus's,
/// and bytes down.
#[derive(Debug, Clone, Default)]
pub struct ServerCase {
    /// One word for it.
    pub operation: String,
    /// How many rows there are.
    pub rows: u64,
    /// Ours.
    pub ours: f64,
    /// The page as a string.
    pub maud: Option<f64>,
    /// The faster way to write it.
    pub dioxus: Option<f64>,
    /// Bytes that we send.
    pub down: f64,
    /// Bytes that Dioxus sends, at least.
    pub dioxus_down: Option<f64>,
}

/// The cases of the server's measurement.
pub fn server_cases(report: &Report) -> Vec<ServerCase> {
    let Some(part) = report.part("server") else { return Vec::new() };
    let total = |samples: &Value| {
        let sum = |sample: &Value| array(&sample["ns"]).iter().filter_map(Value::as_f64).sum::<f64>() / 1e3;
        quartile(array(samples).iter().map(sum).collect())
    };
    let down = |samples: &Value| samples[0]["down"].as_f64();
    let least = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    };
    array(&part["figures"])
        .iter()
        .filter_map(|case| {
            let (inline, component) = (&case["dioxus_inline"], &case["dioxus_component"]);
            Some(ServerCase {
                operation: case["operation"].as_str()?.to_owned(),
                rows: case["rows"].as_u64()?,
                ours: total(&case["lightspeed"])?,
                maud: quartile(
                    array(&case["maud_ns"]).iter().filter_map(Value::as_f64).map(|ns| ns / 1e3).collect(),
                ),
                dioxus: least(total(inline), total(component)),
                down: down(&case["lightspeed"])?,
                dioxus_down: least(down(inline), down(component)),
            })
        })
        .collect()
}

fn server(report: &Report) -> Vec<Claim> {
    const COMMAND: &str = "make bench-server";
    let cases = server_cases(report);
    let case = |operation: &str| cases.iter().find(|case| case.operation == operation && case.rows == 1_000);
    let mut claims = Vec::new();
    for (word, name, _) in OPERATIONS {
        let of = case(word);
        let ratio = of.and_then(|of| Some(of.dioxus? / of.ours));
        let beside = of.map(|of| format!("{:.0} µs of ours", of.ours)).unwrap_or_default();
        let what = format!("{name}: Dioxus's server time / ours");
        claims.push(Claim { beside, ..claim(COMMAND, what, ratio, Limit::Least(4.0)) });
        let share = of.and_then(|of| Some(of.down / of.dioxus_down?));
        let beside = of.map(|of| format!("{:.0} bytes of ours", of.down)).unwrap_or_default();
        let what = format!("{name}: our bytes down / Dioxus's");
        claims.push(Claim { beside, ..claim(COMMAND, what, share, Limit::Most(0.5)) });
    }
    let select = case("select").map(|of| of.ours / 1e3);
    let what = "server time, select in 1,000 rows";
    claims.push(Claim { unit: "ms", ..claim(COMMAND, what, select, Limit::Most(0.3)) });
    claims
}

/// The growth of an event's time with rows, as the exponent of their number.
fn growth(report: &Report) -> Vec<Claim> {
    let Some(part) = report.part("growth") else {
        let what = "time of an event where memo or streams are used, as rows to the power of";
        return vec![claim("make bench-growth", what, None, Limit::Most(0.2))];
    };
    array(&part["figures"])
        .iter()
        .filter(|of| of["is_flat"].as_bool() == Some(true))
        .map(|of| {
            let what =
                format!("{}: time grows as rows to the power of", of["name"].as_str().unwrap_or_default());
            claim("make bench-growth", what, of["exponent"].as_f64(), Limit::Most(0.2))
        })
        .collect()
}

fn memory(report: &Report) -> Vec<Claim> {
    const COMMAND: &str = "make bench-memory";
    let figures = |part: &str| report.part(part).map_or(&[][..], |part| array(&part["figures"]));
    let resident = |part: &str, name: &str, count: u64, when: &str| {
        let is_it = |of: &&Value| of["name"].as_str() == Some(name) && of["count"].as_u64() == Some(count);
        Some(figures(part).iter().find(is_it)?[when]["resident"].as_f64()? / 1e3)
    };
    let kilobytes =
        |what: String, figure, most| Claim { unit: "kB", ..claim(COMMAND, what, figure, Limit::Most(most)) };
    let mut claims = Vec::new();
    for (part, allocator) in [("memory", "the system's allocator"), ("memory-jemalloc", "jemalloc")] {
        let counter = resident(part, "counter, TCP", 15_000, "idle");
        let what = format!("an idle counter session of 15,000, resident, {allocator}");
        claims.push(kilobytes(what, counter, 14.0));
        for count in [200, 1_000] {
            let rows = |when| resident(part, "1,000 rows, TCP", count, when);
            let what =
                format!("a session with 1,000 rows after the event, of {count}, resident, {allocator}");
            claims.push(kilobytes(what, rows("after_event"), 300.0));
            let what = format!("a session with 1,000 rows, idle, of {count}, resident, {allocator}");
            claims.push(kilobytes(what, rows("idle"), 120.0));
        }
        // Beside as many of Dioxus's: what is taken once for all weighs the less the more there are.
        for (page, count) in [("counter", 1_000), ("1,000 rows", 200)] {
            let theirs = resident(part, &format!("{page}, Dioxus"), count, "idle");
            let ours = resident(part, &format!("{page}, TCP"), count, "idle");
            let ratio = theirs.zip(ours).map(|(theirs, ours)| theirs / ours);
            let what = format!(
                "an idle session ({page}), of {count}: Dioxus's memory / ours, both with {allocator}"
            );
            let beside = ours.map(|ours| format!("{ours:.1} kB of ours")).unwrap_or_default();
            claims.push(Claim { beside, ..claim(COMMAND, what, ratio, Limit::Least(10.0)) });
        }
    }
    claims
}

fn load(report: &Report) -> Vec<Claim> {
    const COMMAND: &str = "make bench-load";
    let turns = report.part("load").map_or(&[][..], |part| array(&part["figures"]));
    let closed = |kind: &str, key: &str| {
        let of = turns.iter().filter(|turn| {
            turn["kind"].as_str() == Some(kind)
                && turn["open_rate_per_session"].is_null()
                && turn["sessions"].as_u64() == Some(100)
        });
        of.filter_map(|turn| turn[key].as_f64()).collect::<Vec<f64>>()
    };
    let most = |kind: &str, key: &str| closed(kind, key).into_iter().reduce(f64::max);
    let least = |kind: &str, key: &str| closed(kind, key).into_iter().reduce(f64::min);
    let rate = most("Lightspeed, frames only", "events_per_second");
    let share = rate.and_then(|rate| Some(rate / most("axum echo", "events_per_second")?));
    let beside = rate.map(|rate| format!("{rate:.0} events a second of ours")).unwrap_or_default();
    let cpu = least("Lightspeed, frames only", "server_cpu_us_per_event");
    let echo = least("axum echo", "server_cpu_us_per_event")
        .map(|us| format!("the echo takes {us:.1} µs"))
        .unwrap_or_default();
    vec![
        Claim {
            beside,
            ..claim(
                COMMAND,
                "100 sessions, closed loop: our rate / a bare axum echo's",
                share,
                Limit::Least(0.7),
            )
        },
        Claim {
            beside: echo,
            unit: "µs",
            ..claim(COMMAND, "100 sessions, closed loop: server CPU of an event", cpu, Limit::Most(12.0))
        },
    ]
}

/// The contenders of the browser's measurement.
pub fn contenders(report: &Report) -> &[Value] {
    report.part("browser").map_or(&[], |part| array(&part["contenders"]))
}

/// The median of a contender's samples.
pub fn middle(contender: &Value, operation: &str, key: &str) -> Option<f64> {
    median(array(&contender["samples"][operation]).iter().filter_map(|sample| sample[key].as_f64()).collect())
}

fn browser(report: &Report) -> Vec<Claim> {
    const COMMAND: &str = "make bench-browser";
    let all = contenders(report);
    let named = |name: &str| all.iter().find(|of| of["name"].as_str() == Some(name));
    let (ours, vanilla) = (named("lightspeed"), named("vanilla"));
    let ratio =
        |operation: &str, key: &str| Some(middle(ours?, operation, key)? / middle(vanilla?, operation, key)?);
    let told = |operation: &str, key: &str| {
        ours.and_then(|ours| Some(format!("{:.2} ms of ours", middle(ours, operation, key)?)))
            .unwrap_or_default()
    };
    let mut claims = Vec::new();
    let budgets = OPERATIONS.into_iter().chain([("create10k", "create 10,000 rows", Some(115.0 / 77.0))]);
    for (word, name, budget) in budgets {
        let Some(budget) = budget else { continue };
        let what = format!("{name}: click to the changed document / vanilla's");
        let beside = told(word, "changed");
        claims.push(Claim { beside, ..claim(COMMAND, what, ratio(word, "changed"), Limit::Most(budget)) });
    }
    for word in CLIENT_ALONE {
        let name = OPERATIONS.iter().find(|(other, ..)| *other == word).map_or(word, |(_, name, _)| name);
        let what = format!("{name}: the client alone, from the socket's message / vanilla's");
        let beside = told(word, "client");
        claims.push(Claim { beside, ..claim(COMMAND, what, ratio(word, "client"), Limit::Most(1.15)) });
    }
    for (word, name, _) in OPERATIONS {
        // The fastest of LiveView's three styles.
        let of_style = |of: &&Value| of["name"].as_str().is_some_and(|name| name.starts_with("liveview"));
        let fastest =
            all.iter().filter(of_style).filter_map(|of| middle(of, word, "client")).reduce(f64::min);
        let figure = ours.and_then(|ours| Some(fastest? / middle(ours, word, "client")?));
        let what = format!("{name}: LiveView's client (its fastest style) / ours");
        claims.push(claim(COMMAND, what, figure, Limit::Least(1.0)));
    }
    claims
}
