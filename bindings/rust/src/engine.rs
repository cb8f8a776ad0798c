// SPDX-License-Identifier: MIT
//! The child process and the one task that talks to it. Nothing here waits for a job's owner: progress and plans go through
//! channels that hold the last value only.

use crate::client::{Crash, Settings};
use crate::error::{Error, JobError};
use crate::event::{Done, Event, Finished, Hello, Plan, Refusal, Status, Summary};
use serde_json::json;
use std::collections::{HashMap, VecDeque};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot, watch, OwnedSemaphorePermit};

const MOST_WARNINGS: usize = 64; // of one job that are kept
const MOST_CRASHES: usize = 64; // that are remembered
const LOG_LINES: usize = 20;
const HELLO_WAIT: Duration = Duration::from_secs(60);
const END_WAIT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Entry {
    pub plan: watch::Sender<Option<Arc<Plan>>>,
    pub progress: watch::Sender<f64>,
    pub done: oneshot::Sender<Result<Done, JobError>>,
    pub warnings: Vec<String>,
    pub permit: OwnedSemaphorePermit,
}

impl Entry {
    fn end(self, mut result: Result<Done, JobError>) {
        match &mut result {
            Ok(done) => done.warnings = self.warnings,
            Err(error) => error.warnings = self.warnings,
        }
        drop(self.permit);
        let _ = self.done.send(result);
    }
}

#[derive(Debug)]
pub(crate) enum Command {
    Run { id: String, line: Vec<u8>, entry: Entry },
    Cancel(String),
    Status(oneshot::Sender<Status>),
    Budget(Option<String>, oneshot::Sender<Result<u64, JobError>>),
    Shutdown(bool, oneshot::Sender<Summary>),
}

type Log = Arc<Mutex<VecDeque<String>>>;

/// One process, after its hello.
pub(crate) struct Engine {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    log: Log,
    pub hello: Hello,
    out: Vec<u8>,
    written: usize,
    lines_sent: u64,
    jobs: HashMap<String, Entry>,
    statuses: VecDeque<oneshot::Sender<Status>>,
    budgets: VecDeque<(u64, oneshot::Sender<Result<u64, JobError>>)>,
    shutdown: Option<oneshot::Sender<Summary>>,
    summary: Option<Summary>,
    closing: bool,
    finished: u64,
}

pub(crate) async fn start(settings: &Settings) -> Result<Engine, Error> {
    let mut child = tokio::process::Command::new(&settings.program)
        .arg("batch")
        .args(&settings.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(Error::Start)?;
    let log = keep_log(&mut child, settings);
    let stdin = child.stdin.take();
    let stdout = child.stdout.take().ok_or_else(|| Error::Protocol("no standard output".into()))?;
    let mut lines = BufReader::new(stdout).lines();
    let first = tokio::time::timeout(HELLO_WAIT, lines.next_line()).await;
    let text = match first {
        Ok(Ok(Some(text))) => text,
        Ok(_) => {
            let _ = tokio::time::timeout(END_WAIT, child.wait()).await;
            tokio::time::sleep(Duration::from_millis(50)).await; // its last words
            return Err(Error::Crashed(last_words(&log)));
        }
        Err(_) => return Err(Error::Protocol("no hello in a minute".into())),
    };
    let hello = match serde_json::from_str(&text) {
        Ok(Event::Hello(hello)) if hello.proto == 1 => hello,
        Ok(Event::Hello(hello)) => return Err(Error::Protocol(format!("version {} instead of 1", hello.proto))),
        _ => return Err(Error::Protocol(text.chars().take(200).collect())),
    };
    Ok(Engine {
        child,
        stdin,
        lines,
        log,
        hello,
        out: Vec::new(),
        written: 0,
        lines_sent: 0,
        jobs: HashMap::new(),
        statuses: VecDeque::new(),
        budgets: VecDeque::new(),
        shutdown: None,
        summary: None,
        closing: false,
        finished: 0,
    })
}

fn keep_log(child: &mut Child, settings: &Settings) -> Log {
    let log: Log = Arc::default();
    let (kept, sink) = (log.clone(), settings.log.clone());
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).split(b'\n');
            while let Ok(Some(bytes)) = lines.next_segment().await {
                let line = String::from_utf8_lossy(&bytes).into_owned();
                if let Some(sink) = &sink {
                    sink(&line);
                }
                let mut kept = kept.lock().unwrap_or_else(|broken| broken.into_inner());
                if kept.len() == LOG_LINES {
                    kept.pop_front();
                }
                kept.push_back(line);
            }
        });
    }
    log
}

fn last_words(log: &Log) -> String {
    let lines: Vec<String> = log.lock().unwrap_or_else(|broken| broken.into_inner()).iter().cloned().collect();
    if lines.is_empty() {
        "it said nothing".into()
    } else {
        lines.join("; ")
    }
}

impl Engine {
    fn queue(&mut self, line: &[u8]) {
        self.out.drain(..self.written);
        self.written = 0;
        self.out.extend_from_slice(line);
        self.lines_sent += 1;
    }

    fn queue_json(&mut self, value: serde_json::Value) {
        self.queue(format!("{value}\n").as_bytes());
    }

    fn take_command(&mut self, command: Command) {
        match command {
            Command::Run { entry, .. } if self.closing => entry.end(Err(JobError::refused("the client was shut down".into()))),
            Command::Run { id, line, entry } => {
                self.jobs.insert(id, entry);
                self.queue(&line);
            }
            Command::Cancel(id) if self.jobs.contains_key(&id) => self.queue_json(json!({ "cmd": "cancel", "id": id })),
            Command::Cancel(_) => {}
            Command::Status(reply) => {
                self.queue_json(json!({ "cmd": "status" }));
                self.statuses.push_back(reply);
            }
            Command::Budget(memory, reply) => {
                self.queue_json(json!({ "cmd": "budget", "memory": memory }));
                self.budgets.push_back((self.lines_sent, reply));
            }
            Command::Shutdown(cancel, reply) => {
                self.queue_json(json!({ "cmd": "shutdown", "cancel": cancel }));
                self.closing = true;
                self.shutdown = Some(reply);
            }
        }
    }

    fn end_job(&mut self, id: &str, result: Result<Done, JobError>) {
        if let Some(entry) = self.jobs.remove(id) {
            self.finished += 1;
            entry.end(result);
        }
    }

    fn take_refusal(&mut self, refusal: Refusal) {
        let error = JobError {
            code: refusal.code,
            message: refusal.message,
            retryable: refusal.retryable,
            interrupted: false,
            warnings: Vec::new(),
        };
        if let Some(id) = refusal.id {
            self.end_job(&id, Err(error));
        } else if let Some(at) = self.budgets.iter().position(|(line, _)| Some(*line) == refusal.line) {
            if let Some((_, reply)) = self.budgets.remove(at) {
                let _ = reply.send(Err(error));
            }
        } // else: a cancel that came too late
    }

    fn take_event(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(Event::Plan { id, plan }) => {
                if let Some(entry) = self.jobs.get(&id) {
                    let _ = entry.plan.send(Some(Arc::new(*plan)));
                }
            }
            Ok(Event::Progress { id, fraction }) => {
                if let Some(entry) = self.jobs.get(&id) {
                    let _ = entry.progress.send(fraction);
                }
            }
            Ok(Event::Warning { id, message }) => {
                if let Some(entry) = self.jobs.get_mut(&id).filter(|entry| entry.warnings.len() < MOST_WARNINGS) {
                    entry.warnings.push(message);
                }
            }
            Ok(Event::Result(finished)) => {
                let Finished { id, mut done } = *finished;
                done.picture = done.text.take().and_then(|text| crate::base64::decode(&text));
                self.end_job(&id, Ok(done));
            }
            Ok(Event::Error(refusal)) => self.take_refusal(refusal),
            Ok(Event::Status(status)) => {
                if let Some(reply) = self.statuses.pop_front() {
                    let _ = reply.send(status);
                }
            }
            Ok(Event::Budget(value)) => {
                if let Some((_, reply)) = self.budgets.pop_front() {
                    let _ = reply.send(Ok(value["budget_bytes"].as_u64().unwrap_or(0)));
                }
            }
            Ok(Event::Summary(summary)) => self.summary = Some(summary),
            Ok(Event::Hello(_) | Event::Unknown) | Err(_) => {} // a newer engine may say more
        }
    }

    /// Until the engine ends. True when that was asked for, by shutdown or by the last client's end.
    async fn drive(&mut self, commands: &mut mpsc::UnboundedReceiver<Command>) -> bool {
        loop {
            let Engine { stdin, out, written, .. } = self;
            let pending = *written < out.len() && stdin.is_some();
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.take_command(command),
                    None => {
                        let _ = self.child.start_kill();
                        return true;
                    }
                },
                line = self.lines.next_line() => match line {
                    Ok(Some(text)) => self.take_event(&text),
                    Ok(None) | Err(_) => return self.summary.is_some() && self.closing,
                },
                wrote = write(stdin, &out[*written..]), if pending => match wrote {
                    Ok(n) => *written += n,
                    Err(_) => *stdin = None, // it ends: its output will say so
                },
            }
        }
    }

    /// What is left of it: how it ended, and the jobs that it took along.
    async fn bury(&mut self) -> Crash {
        let _ = self.child.start_kill();
        let status = tokio::time::timeout(END_WAIT, self.child.wait()).await;
        let exit = match status {
            Ok(Ok(status)) => status.to_string(),
            _ => "it does not end".into(),
        };
        let log = last_words(&self.log);
        let mut jobs: Vec<String> = Vec::new();
        for (id, entry) in self.jobs.drain() {
            entry.end(Err(JobError::interrupted(format!("the engine ended unasked ({exit}): {log}"))));
            jobs.push(id);
        }
        jobs.sort();
        Crash { exit, log, jobs }
    }
}

async fn write(stdin: &mut Option<ChildStdin>, bytes: &[u8]) -> std::io::Result<usize> {
    match stdin {
        Some(stdin) => stdin.write(bytes).await,
        None => Ok(0),
    }
}

/// Owns the engine and its successors. Ends when nobody can ask for anything any more.
pub(crate) async fn supervise(
    settings: Settings,
    first: Engine,
    mut commands: mpsc::UnboundedReceiver<Command>,
    crashes: watch::Sender<Vec<Crash>>,
) {
    let (mut engine, mut in_a_row) = (first, 0);
    loop {
        if engine.drive(&mut commands).await {
            let _ = tokio::time::timeout(END_WAIT, engine.child.wait()).await;
            if let (Some(reply), Some(summary)) = (engine.shutdown.take(), engine.summary.take()) {
                let _ = reply.send(summary);
            }
            return;
        }
        in_a_row = if engine.finished > 0 { 1 } else { in_a_row + 1 };
        let crash = engine.bury().await;
        let mut all = crashes.borrow().clone();
        if all.len() == MOST_CRASHES {
            all.remove(0);
        }
        all.push(crash);
        let _ = crashes.send(all);
        if engine.closing || in_a_row > settings.restarts {
            return;
        }
        engine = match start(&settings).await {
            Ok(engine) => engine,
            Err(_) => return,
        };
    }
}
