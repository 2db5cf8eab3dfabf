//! Verdicts, and what is said of what wasn't measured.

use super::claims::{all, median};
use super::{Claim, Limit, Report, number};

fn claim(figure: Option<f64>, limit: Limit) -> Claim {
    Claim { what: String::new(), command: "", figure, limit, unit: "", beside: String::new() }
}

#[test]
fn a_verdict_is_one_of_three() {
    assert_eq!(claim(Some(4.0), Limit::Least(4.0)).verdict(), "held");
    assert_eq!(claim(Some(3.9), Limit::Least(4.0)).verdict(), "MISSED");
    assert_eq!(claim(Some(0.6), Limit::Most(0.5)).verdict(), "MISSED");
    assert_eq!(claim(None, Limit::Most(0.5)).verdict(), "not measured");
}

#[test]
fn what_was_not_measured_is_listed_all_the_same() {
    let report = Report { wire: Vec::new(), client: Vec::new(), parts: Vec::new() };
    let claims = all(&report);
    assert!(claims.len() > 30);
    assert!(claims.iter().all(|claim| claim.figure.is_none()));
    assert!(report.markdown().contains("0 held, 0 missed"));
}

#[test]
fn figures_of_files_are_found() {
    let text = r#"{"machine":"here","figures":[
        {"name":"counter, TCP","count":1000,"idle":{"resident":16000.0}},
        {"name":"counter, TCP","count":15000,"idle":{"resident":13000.0}},
        {"name":"counter, Dioxus","count":1000,"idle":{"resident":176000.0}}]}"#;
    let parts = vec![("memory", serde_json::from_str(text).ok())];
    let report = Report { wire: Vec::new(), client: Vec::new(), parts };
    let claims = all(&report);
    let of = |words: &str| {
        let claim = claims.iter().find(|claim| claim.what.contains(words)).expect("it is promised");
        (claim.figure, claim.verdict())
    };
    assert_eq!(of("an idle counter session of 15,000"), (Some(13.0), "held"));
    assert_eq!(of("an idle session (counter), of 1000"), (Some(11.0), "held"), "beside as many");
    assert_eq!(of("1,000 rows, idle, of 200").0, None);
    assert!(report.markdown().contains("- memory: here"));
}

#[test]
fn numbers_are_short() {
    assert_eq!(median(vec![3.0, 1.0, 2.0, 10.0]), Some(2.5));
    assert_eq!([0.123, 12.34, 1234.5, 20.0].map(number), ["0.12", "12.3", "1234", "20"]);
}
