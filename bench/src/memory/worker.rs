//! A process that does what it is told, a line at a time, and answers each line with one.

use std::env;
use std::io;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A process of this very program.
#[derive(Debug)]
pub struct Worker {
    _child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// Starts this program with these arguments.
    ///
    /// # Errors
    ///
    /// When it can't be started.
    pub fn start(arguments: &[&str]) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let orders = child.stdin.take().expect("its standard input is a pipe");
        let answers = BufReader::new(child.stdout.take().expect("its standard output is a pipe")).lines();
        Ok(Self { _child: child, orders, answers })
    }

    /// Its next line.
    ///
    /// # Errors
    ///
    /// When it has ended; why, stands on its standard error.
    pub async fn answer(&mut self) -> io::Result<String> {
        self.answers
            .next_line()
            .await?
            .ok_or_else(|| io::Error::other("a process of the measurement has ended"))
    }

    /// Has it do something; its answer.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub async fn ask(&mut self, order: &str) -> io::Result<String> {
        self.orders.write_all(format!("{order}\n").as_bytes()).await?;
        self.answer().await
    }
}
