// SPDX-License-Identifier: MIT
//! What the engine says (docs/protocol.md). Members that a newer engine adds are passed over.

use serde::Deserialize;
use serde_json::Value;
use std::path::PathBuf;

/// The first event.
#[derive(Clone, Debug, Deserialize)]
pub struct Hello {
    pub proto: u32,
    pub version: String,
    pub devices: Vec<String>,
    pub budget_bytes: u64,
    pub line_limit: usize,
    pub ops: Vec<String>,
}

/// What a job will do; the members of `tilewright plan --json` (docs/cli.md), the rest of them in `more`.
#[derive(Clone, Debug, Deserialize)]
pub struct Plan {
    pub op: String,
    pub width: i64,
    pub height: i64,
    pub model: Option<String>,
    pub device: String,
    pub schedule: String,
    pub tile: [i64; 2],
    pub exact: bool,
    pub planned_peak_bytes: i64,
    #[serde(flatten)]
    pub more: serde_json::Map<String, Value>,
}

/// What a job did.
#[derive(Clone, Debug, Deserialize)]
pub struct Done {
    /// The file, complete and on disk; none for inline results and for operators without one.
    pub output: Option<PathBuf>,
    #[serde(default)]
    pub bytes: u64,
    /// Hexadecimal.
    pub sha256: Option<String>,
    /// The output was there already, and nothing was done.
    #[serde(default)]
    pub skipped: bool,
    #[serde(default)]
    pub job_peak_bytes: u64,
    /// From the job's start to its result, and before its start.
    #[serde(default)]
    pub seconds: f64,
    #[serde(default)]
    pub waited: f64,
    /// The object of `--json`; null for what was skipped.
    #[serde(default)]
    pub report: Value,
    /// The encoded picture of `Output::Inline`, decoded from base64.
    #[serde(skip)]
    pub picture: Option<Vec<u8>>,
    #[serde(skip)]
    pub warnings: Vec<String>,
    #[serde(default, rename = "base64")]
    pub(crate) text: Option<String>,
}

/// Seconds of many jobs.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Times {
    pub mean: f64,
    pub p95: f64,
}

/// The last event.
#[derive(Clone, Debug, Deserialize)]
pub struct Summary {
    pub processed: u64,
    pub skipped: u64,
    pub errors: u64,
    pub cancelled: u64,
    pub seconds: f64,
    pub latency: Times,
    pub waited: Times,
    pub input_mb: f64,
    pub output_mb: f64,
    /// Peak resident memory of the engine, as the kernel counts it.
    pub peak_bytes: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Running {
    pub id: String,
    pub fraction: f64,
}

/// How the engine is.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    pub budget_bytes: u64,
    pub planned_bytes: u64,
    pub waiting: u64,
    pub running: Vec<Running>,
    pub processed: u64,
    pub errors: u64,
    pub peak_bytes: u64,
    pub resident_bytes: u64,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum Event {
    Hello(Hello),
    Plan {
        id: String,
        plan: Box<Plan>,
    },
    Progress {
        id: String,
        fraction: f64,
    },
    Warning {
        id: String,
        message: String,
    },
    Result(Box<Finished>),
    Error(Refusal),
    Status(Status),
    Budget(Value),
    Summary(Summary),
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Finished {
    pub id: String,
    #[serde(flatten)]
    pub done: Done,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Refusal {
    pub id: Option<String>,
    pub line: Option<u64>,
    pub code: i32,
    pub message: String,
    pub retryable: bool,
}
