//! What a figure depends on besides the code: where and when it was taken.

use std::fs;
use std::time::SystemTime;

/// The machine and the date, as a line under a table.
pub fn describe() -> String {
    let model = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?.to_owned();
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{}, {cores} cores, {} {}, {}",
        model.as_deref().unwrap_or(std::env::consts::ARCH),
        std::env::consts::OS,
        kernel.trim(),
        httpdate::fmt_http_date(SystemTime::now()),
    )
}

/// The compiler that is installed, as it names itself.
pub fn compiler() -> String {
    let output = std::process::Command::new("rustc").arg("--version").output();
    output.map_or_else(
        |_| "rustc unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
