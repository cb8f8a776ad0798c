// SPDX-License-Identifier: MIT
//! A job before it is sent, and its handle afterwards.

use crate::engine::Command;
use crate::error::JobError;
use crate::event::{Done, Plan};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// A picture that a job reads.
#[derive(Clone, Debug)]
pub enum Picture {
    File(PathBuf),
    /// An encoded picture that goes along with the job: at most some 770,000 bytes. `name` is for messages.
    Inline {
        bytes: Vec<u8>,
        name: String,
    },
}

/// Where a job's picture goes.
#[derive(Clone, Debug)]
pub enum Output {
    File(PathBuf),
    /// Comes back with the result, in this format ("png", "jpeg", ...): at most some 770,000 bytes.
    Inline(String),
}

macro_rules! from_paths {
    ($to:ident: $($source:ty),*) => {
        $(impl From<$source> for $to {
            fn from(path: $source) -> Self {
                $to::File(path.into())
            }
        })*
    };
}

from_paths!(Picture: &str, String, &Path, PathBuf, &PathBuf);
from_paths!(Output: &str, String, &Path, PathBuf, &PathBuf);

/// A job of any operator; `Upscale` and the like fill it with types.
#[derive(Clone, Debug)]
pub struct Job {
    op: String,
    inputs: Vec<Picture>,
    output: Option<Output>,
    more: Map<String, Value>,
}

impl Job {
    pub fn new(op: impl Into<String>) -> Self {
        Job { op: op.into(), inputs: Vec::new(), output: None, more: Map::new() }
    }

    /// One more input.
    pub fn input(mut self, picture: impl Into<Picture>) -> Self {
        self.inputs.push(picture.into());
        self
    }

    pub fn output(mut self, output: impl Into<Output>) -> Self {
        self.output = Some(output.into());
        self
    }

    /// An option by its name with `_` for `-`, or a key of docs/protocol.md.
    pub fn option(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.into(), value.into());
        self
    }

    /// -1000 to 1000; higher ones start first.
    pub fn priority(self, priority: i32) -> Self {
        self.option("priority", priority)
    }

    /// Where the output is there already, the result says so and nothing is done.
    pub fn resume(self, resume: bool) -> Self {
        self.option("resume", resume)
    }

    /// The line of the protocol, with its end.
    pub(crate) fn line(&self, id: &str, limit: usize) -> Result<Vec<u8>, JobError> {
        let mut line = self.more.clone();
        let inputs: Result<Vec<Value>, JobError> = self.inputs.iter().map(picture_value).collect();
        line.insert("cmd".into(), "run".into());
        line.insert("id".into(), id.into());
        line.insert("op".into(), self.op.clone().into());
        line.insert("input".into(), inputs?.into());
        match &self.output {
            Some(Output::File(path)) => line.insert("output".into(), path_value(path)?),
            Some(Output::Inline(format)) => line.insert("output".into(), serde_json::json!({ "format": format })),
            None => None,
        };
        let mut text = Value::Object(line).to_string().into_bytes();
        if text.len() > limit {
            return Err(JobError::refused(format!(
                "the job of {} bytes is longer than a line may be, {limit} bytes",
                text.len()
            )));
        }
        text.push(b'\n');
        Ok(text)
    }
}

fn path_value(path: &Path) -> Result<Value, JobError> {
    match path.to_str() {
        Some(text) => Ok(text.into()),
        None => Err(JobError::refused(format!("{}: file names must be UTF-8", path.display()))),
    }
}

fn picture_value(picture: &Picture) -> Result<Value, JobError> {
    match picture {
        Picture::File(path) => path_value(path),
        Picture::Inline { bytes, name } => Ok(serde_json::json!({ "base64": crate::base64::encode(bytes), "name": name })),
    }
}

/// A job under way. Dropped before its end, it cancels the job; see `detach`.
#[derive(Debug)]
pub struct JobHandle {
    pub(crate) id: String,
    pub(crate) plan: watch::Receiver<Option<Arc<Plan>>>,
    pub(crate) progress: watch::Receiver<f64>,
    pub(crate) done: oneshot::Receiver<Result<Done, JobError>>,
    pub(crate) commands: mpsc::UnboundedSender<Command>,
    pub(crate) held: bool,
}

impl JobHandle {
    /// As in the engine's `status` and logs.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the job will do, as soon as it is known; none for a job that could not be planned.
    pub async fn plan(&mut self) -> Option<Arc<Plan>> {
        while self.plan.borrow_and_update().is_none() {
            self.plan.changed().await.ok()?;
        }
        self.plan.borrow().clone()
    }

    /// The next fraction that differs from the last one seen, from 0 to 1, never falling; none when the job has ended.
    pub async fn progress(&mut self) -> Option<f64> {
        self.progress.changed().await.ok()?;
        Some(*self.progress.borrow_and_update())
    }

    /// The progress alone, for somebody else to watch.
    pub fn watch_progress(&self) -> watch::Receiver<f64> {
        self.progress.clone()
    }

    /// Asks for the end; `finish` then gives the error with code 130, unless the job was done already.
    pub fn cancel(&self) {
        let _ = self.commands.send(Command::Cancel(self.id.clone()));
    }

    /// Lets the job go on without its handle.
    pub fn detach(mut self) {
        self.held = false;
    }

    /// Waits for the end.
    pub async fn finish(mut self) -> Result<Done, JobError> {
        let ended = (&mut self.done).await;
        self.held = false;
        ended.unwrap_or_else(|_| Err(JobError::interrupted("the engine has ended and is not replaced".into())))
    }
}

impl Drop for JobHandle {
    fn drop(&mut self) {
        if self.held {
            self.cancel();
        }
    }
}
