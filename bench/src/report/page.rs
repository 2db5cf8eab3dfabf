//! The page with plots. One file, no script: it can be kept, mailed and read on a phone.

use std::ops::Range;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use plotters::prelude::*;
use serde_json::Value;

use super::claims::{self, contenders, middle, server_cases};
use super::{PARTS, Report, number};

/// Between black and white, so that axes can be read on either.
const GREY: RGBColor = RGBColor(128, 128, 128);

/// Of [Okabe and Ito](https://jfly.uni-koeln.de/color/), told apart by people who see few colours too.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(86, 180, 233),
];

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --good: #0a7d33; --bad: #c01c28; font: 16px/1.5 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --good: #4cc26f; --bad: #ff7b72; } }
body { max-width: 70rem; margin: 0 auto; padding: 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; }
th, td { padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td.figure { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.held { color: var(--good); } .missed { color: var(--bad); font-weight: bold; }
figure { margin: 1rem 0; } figure svg { max-width: 100%; height: auto; }
dl.bars { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .75rem; font-size: .875rem; margin: 0 0 1rem; }
dl.bars dt { grid-column: 1 / -1; font-weight: 600; margin-top: .6rem; } dl.bars dd { margin: 0; display: contents; }
dl.bars .track { display: block; } dl.bars .bar { display: inline-block; height: .8em; border-radius: 2px; margin-right: .5rem; min-width: 2px; }
";

/// The whole page.
///
/// # Errors
///
/// When a plot can't be drawn; for a person.
pub fn html(report: &Report) -> Result<String, String> {
    let plots = [growth(report)?, load(report)?];
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Lightspeed: measurements" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Lightspeed: measurements" }
                p { "Written by " code { "make bench" } ". Times are compared within one run of one machine; " code { "bench/README.md" } " says how to read them." }
                ul { @for part in PARTS { li { (part) ": " (report.machine(part).unwrap_or_else(|| "not measured".to_owned())) } } }
                h2 { "Promises" }
                (promises(report))
                h2 { "Server: microseconds of an event" }
                p { "Lower quartiles, without a socket. The page as a string, written from nothing by maud, is what a server without live pages does." }
                (server(report, |case| vec![("Lightspeed", Some(case.ours)), ("maud, whole page", case.maud), ("Dioxus", case.dioxus)]))
                h2 { "Bytes to the page" }
                (server(report, |case| {
                    let mut bars = vec![("Lightspeed", Some(case.down)), ("Dioxus", case.dioxus_down)];
                    for (name, style) in [("LiveView, keyed", "liveview keyed"), ("LiveView, streams", "liveview stream")] {
                        bars.push((name, liveview_bytes(report, style, case)));
                    }
                    bars
                }))
                h2 { "How an event's cost grows with the page" }
                (plots[0])
                h2 { "Load" }
                (plots[1])
                h2 { "Memory of a session" }
                (memory(report))
                h2 { "Browser: milliseconds from the click to the changed document" }
                (browser(report, "changed"))
                h2 { "Browser: milliseconds of the client alone, from the socket's message" }
                (browser(report, "client"))
            }
        }
    };
    Ok(page.into_string())
}

fn promises(report: &Report) -> Markup {
    html! {
        div.wide { table {
            thead { tr { th { "what" } th { "measured" } th { "promised" } th { "" } th { "beside" } th { "command" } } }
            tbody { @for claim in claims::all(report) { tr {
                td { (claim.what) }
                td.figure { (claim.figure.map_or("-".to_owned(), number)) " " (claim.unit) }
                td.figure { (claim.limit_told()) }
                td class=[claim.is_held().map(|is_held| if is_held { "held" } else { "missed" })] { (claim.verdict()) }
                td { (claim.beside) }
                td { code { (claim.command) } }
            } } }
        } }
    }
}

/// A title, and names with their values.
type Group = (String, Vec<(String, Option<f64>)>);

/// Bars of one group each; the longest takes the width.
fn bars(groups: &[Group], unit: &str) -> Markup {
    html! {
        dl.bars { @for (title, bars) in groups {
            @let longest = bars.iter().filter_map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
            dt { (title) }
            @for (index, (name, value)) in bars.iter().enumerate() { @if let Some(value) = value { dd {
                span { (name) }
                span.track {
                    span.bar style=(format!("width:{:.1}%;background:{}", value / longest * 70.0, css(COLOURS[index % COLOURS.len()]))) {}
                    (number(*value)) " " (unit)
                }
            } } }
        } }
    }
}

fn css(RGBColor(red, green, blue): RGBColor) -> String {
    format!("rgb({red},{green},{blue})")
}

fn server(report: &Report, of: impl Fn(&claims::ServerCase) -> Vec<(&'static str, Option<f64>)>) -> Markup {
    let cases = server_cases(report);
    let groups: Vec<_> = cases
        .iter()
        .map(|case| {
            let title = if case.rows == 0 {
                case.operation.clone()
            } else {
                format!("{}, {} rows", case.operation, case.rows)
            };
            (title, of(case).into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        })
        .collect();
    bars(&groups, "")
}

/// What LiveView's server once sent for an operation on 1,000 rows.
fn liveview_bytes(report: &Report, style: &str, case: &claims::ServerCase) -> Option<f64> {
    if case.rows != 1_000 {
        return None;
    }
    let of = contenders(report).iter().find(|of| of["name"].as_str() == Some(style))?;
    of["wire"][&case.operation]["down"].as_f64()
}

fn browser(report: &Report, key: &str) -> Markup {
    let Some(part) = report.part("browser") else { return html! { p { "Not measured." } } };
    let all = contenders(report);
    let operations = part["contenders"][0]["samples"].as_object();
    let groups: Vec<_> = operations
        .into_iter()
        .flatten()
        .map(|(operation, _)| {
            let of = |contender: &Value| {
                let name = contender["name"].as_str().unwrap_or_default().to_owned();
                (name, middle(contender, operation, key))
            };
            (operation.clone(), all.iter().map(of).collect())
        })
        .collect();
    bars(&groups, "ms")
}

fn memory(report: &Report) -> Markup {
    let of = |part: &str| report.part(part).and_then(|part| part["figures"].as_array());
    let told = |each: &Value| {
        each["resident"].as_f64().map_or("-".to_owned(), |bytes| format!("{:.2}", bytes / 1e3))
    };
    html! {
        p { "kB of resident memory for each, in the serving process, with the system's allocator and with jemalloc." }
        @for (part, allocator) in [("memory", "the system's allocator"), ("memory-jemalloc", "jemalloc")] {
            div.wide { table {
                caption { (allocator) }
                thead { tr { th { "what" } th { "how many" } th { "connected" } th { "after an event" } th { "idle" } } }
                tbody { @for of in of(part).into_iter().flatten() { tr {
                    td { (of["name"].as_str().unwrap_or_default()) }
                    td.figure { (of["count"]) }
                    td.figure { (told(&of["connected"])) }
                    td.figure { (told(&of["after_event"])) }
                    td.figure { (told(&of["idle"])) }
                } } }
            } }
        }
    }
}

/// Lines through points, both axes logarithmic.
struct Plot<'a> {
    x: &'a str,
    y: &'a str,
    lines: Vec<(String, Vec<(f64, f64)>)>,
}

impl Plot<'_> {
    /// Drawn, with its numbers in its title for who can't see it.
    fn draw(&self) -> Result<Markup, String> {
        let (x, y) = (self.range(|point| point.0), self.range(|point| point.1));
        let (Some(x), Some(y)) = (x, y) else { return Ok(html! { p { "Not measured." } }) };
        let mut svg = String::new();
        self.draw_into(&mut svg, x, y).map_err(|error| format!("a plot: {error}"))?;
        let told: Vec<String> = self
            .lines
            .iter()
            .map(|(name, points)| {
                let points: Vec<String> =
                    points.iter().map(|(x, y)| format!("{} at {}", number(*y), number(*x))).collect();
                format!("{name}: {}", points.join(", "))
            })
            .collect();
        Ok(html! {
            figure role="img" aria-label=(format!("{} over {}. {}", self.y, self.x, told.join("; "))) {
                (PreEscaped(svg))
            }
        })
    }

    /// A little wider than the points are.
    fn range(&self, of: impl Fn(&(f64, f64)) -> f64) -> Option<Range<f64>> {
        let values: Vec<f64> = self
            .lines
            .iter()
            .flat_map(|(_, points)| points.iter().map(&of))
            .filter(|value| *value > 0.0)
            .collect();
        let least = values.iter().copied().reduce(f64::min)?;
        let most = values.iter().copied().reduce(f64::max)?;
        Some(least * 0.8..most * 1.25)
    }

    fn draw_into(
        &self,
        svg: &mut String,
        x: Range<f64>,
        y: Range<f64>,
    ) -> Result<(), DrawingAreaErrorKind<std::fmt::Error>> {
        let text = |size: i32| ("sans-serif", size).into_font().color(&GREY);
        let root = SVGBackend::with_string(svg, (900, 420)).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin(12)
            .x_label_area_size(48)
            .y_label_area_size(72)
            .build_cartesian_2d(x.log_scale(), y.log_scale())
            .map_err(plain)?;
        chart
            .configure_mesh()
            .axis_style(GREY)
            .bold_line_style(GREY.mix(0.3))
            .light_line_style(GREY.mix(0.1))
            .label_style(text(14))
            .axis_desc_style(text(15))
            .x_desc(self.x)
            .y_desc(self.y)
            .x_label_formatter(&|value| number(*value))
            .y_label_formatter(&|value| number(*value))
            .draw()
            .map_err(plain)?;
        for (index, (name, points)) in self.lines.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(4);
            chart
                .draw_series(line)
                .map_err(plain)?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .label_font(text(14))
            .border_style(GREY.mix(0.3))
            .draw()
            .map_err(plain)?;
        root.present().map_err(plain)
    }
}

/// The backend's own error is that of a string, which has none.
fn plain<E: std::error::Error + Send + Sync>(
    _: DrawingAreaErrorKind<E>,
) -> DrawingAreaErrorKind<std::fmt::Error> {
    DrawingAreaErrorKind::LayoutError
}

fn growth(report: &Report) -> Result<Markup, String> {
    let figures = report.part("growth").and_then(|part| part["figures"].as_array());
    let lines = figures
        .into_iter()
        .flatten()
        .map(|of| {
            let points = of["points"].as_array().into_iter().flatten();
            let points =
                points.filter_map(|point| Some((point["rows"].as_f64()?, point["us"].as_f64()?))).collect();
            let exponent = of["exponent"].as_f64().unwrap_or(f64::NAN);
            (format!("{} (rows^{exponent:.2})", of["name"].as_str().unwrap_or_default()), points)
        })
        .collect();
    Plot { x: "rows on the page", y: "µs of an event", lines }.draw()
}

/// Latency over the rate in the open loop, and over the number of sessions in the closed one.
fn load(report: &Report) -> Result<Markup, String> {
    let turns = report.part("load").and_then(|part| part["figures"].as_array());
    let turns: Vec<&Value> = turns
        .into_iter()
        .flatten()
        .filter(|turn| turn["kind"].as_str() == Some("Lightspeed, frames only"))
        .collect();
    let lines = |is_open: bool, x: &dyn Fn(&Value) -> Option<f64>| {
        ["p50", "p99", "p999"]
            .into_iter()
            .map(|percentile| {
                let mut points: Vec<(f64, f64)> = turns
                    .iter()
                    .filter(|turn| turn["open_rate_per_session"].is_null() != is_open)
                    .filter_map(|turn| Some((x(turn)?, turn["latency_ms"][percentile].as_f64()?)))
                    .collect();
                points.sort_by(|a, b| a.0.total_cmp(&b.0));
                (percentile.to_owned(), points)
            })
            .collect()
    };
    let open = lines(true, &|turn| turn["events_per_second"].as_f64());
    let closed = lines(false, &|turn| turn["sessions"].as_f64());
    let open = Plot { x: "events a second, open loop", y: "latency, ms", lines: open }.draw()?;
    let closed = Plot { x: "sessions, closed loop", y: "latency, ms", lines: closed }.draw()?;
    Ok(html! {
        h3 { "Latency over the event rate" }
        (open)
        h3 { "Latency over the number of sessions that click as fast as they can" }
        (closed)
    })
}
