// SPDX-License-Identifier: MIT
use std::fmt;
use std::io;

/// Why a job has no result. `code` is an exit code of the command (docs/cli.md).
#[derive(Clone, Debug)]
pub struct JobError {
    pub code: i32,
    /// One line that names the file and the number at fault.
    pub message: String,
    /// The same job, sent again, may do better.
    pub retryable: bool,
    /// The engine ended while the job was under way; nothing is wrong with the job itself, unless it is what ended the engine.
    pub interrupted: bool,
    pub warnings: Vec<String>,
}

impl JobError {
    pub const CANCELLED: i32 = 130;

    pub(crate) fn interrupted(message: String) -> Self {
        JobError { code: 1, message, retryable: true, interrupted: true, warnings: Vec::new() }
    }

    pub(crate) fn refused(message: String) -> Self {
        JobError { code: 2, message, retryable: false, interrupted: false, warnings: Vec::new() }
    }

    pub fn is_cancelled(&self) -> bool {
        self.code == Self::CANCELLED
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

impl std::error::Error for JobError {}

/// Why there is no engine, or no answer from it.
#[derive(Debug)]
pub enum Error {
    /// The program cannot be started.
    Start(io::Error),
    /// What it says is not the protocol, or another version of it.
    Protocol(String),
    /// It ended too often; the last words of its log.
    Crashed(String),
    /// The client was shut down.
    Closed,
    /// The engine refused a command.
    Refused(JobError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Start(error) => write!(f, "the engine cannot be started: {error}"),
            Error::Protocol(what) => write!(f, "the engine speaks another protocol: {what}"),
            Error::Crashed(log) => write!(f, "the engine ended unasked: {log}"),
            Error::Closed => write!(f, "the client was shut down"),
            Error::Refused(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}
