// SPDX-License-Identifier: MIT
use crate::engine::{self, Command, Entry};
use crate::error::Error;
use crate::event::{Hello, Status, Summary};
use crate::job::{Job, JobHandle};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch, Semaphore};

/// How an engine ended unasked.
#[derive(Clone, Debug)]
pub struct Crash {
    /// "signal: 9 (SIGKILL)", "exit status: 1"
    pub exit: String,
    /// Last lines of its log.
    pub log: String,
    /// Ids of the jobs that were interrupted; each `finish` says so, too.
    pub jobs: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Settings {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub restarts: u32,
    pub log: Option<Arc<dyn Fn(&str) + Send + Sync>>,
}

/// How the engine is started.
pub struct Builder {
    settings: Settings,
    under_way: usize,
}

impl Builder {
    /// The command; default `tilewright`, found on PATH.
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.settings.program = program.into();
        self
    }

    /// An option of `tilewright batch`: a default for jobs, or the batch's own.
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.settings.arguments.push(format!("--{name}={value}").into());
        self
    }

    /// Bound of the engine's peak resident memory: "1G", "50%" (the default).
    pub fn memory(self, size: &str) -> Self {
        self.option("memory", size)
    }

    /// Most jobs that run at a time; default: one more than processors.
    pub fn jobs(self, most: u32) -> Self {
        self.option("jobs", &most.to_string())
    }

    /// Most jobs that are sent and have not ended (64); `Client::run` waits beyond that.
    pub fn under_way(mut self, most: usize) -> Self {
        self.under_way = most.max(1);
        self
    }

    /// How often in a row an engine that finished no job is replaced (3).
    pub fn restarts(mut self, most: u32) -> Self {
        self.settings.restarts = most;
        self
    }

    /// Gets each line of the engine's log.
    pub fn log(mut self, sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.settings.log = Some(Arc::new(sink));
        self
    }

    /// Starts the engine and waits for its hello. Needs a tokio runtime.
    pub async fn start(self) -> Result<Client, Error> {
        let engine = engine::start(&self.settings).await?;
        let (commands, receiver) = mpsc::unbounded_channel();
        let (crash_sender, crashes) = watch::channel(Vec::new());
        let hello = engine.hello.clone();
        tokio::spawn(engine::supervise(self.settings, engine, receiver, crash_sender));
        let places = Arc::new(Semaphore::new(self.under_way));
        Ok(Client { shared: Arc::new(Shared { commands, places, crashes, hello, ids: AtomicU64::new(1) }) })
    }
}

struct Shared {
    commands: mpsc::UnboundedSender<Command>,
    places: Arc<Semaphore>,
    crashes: watch::Receiver<Vec<Crash>>,
    hello: Hello,
    ids: AtomicU64,
}

/// Talks to one engine; cheap to clone. The engine is killed when the last client and the last handle are dropped.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("hello", &self.shared.hello).finish()
    }
}

impl Client {
    pub fn builder() -> Builder {
        let settings = Settings { program: "tilewright".into(), arguments: Vec::new(), restarts: 3, log: None };
        Builder { settings, under_way: 64 }.option("quiet", "true")
    }

    /// Of the first engine.
    pub fn hello(&self) -> &Hello {
        &self.shared.hello
    }

    /// Sends a job; waits while too many are under way. What is wrong with the job itself comes with its `finish`.
    pub async fn run(&self, job: impl Into<Job>) -> Result<JobHandle, Error> {
        let shared = &self.shared;
        let permit = shared.places.clone().acquire_owned().await.map_err(|_| Error::Closed)?;
        let id = shared.ids.fetch_add(1, Ordering::Relaxed).to_string();
        let line = job.into().line(&id, shared.hello.line_limit).map_err(Error::Refused)?;
        let (plan_sender, plan) = watch::channel(None);
        let (progress_sender, progress) = watch::channel(0.0);
        let (done_sender, done) = oneshot::channel();
        let entry = Entry { plan: plan_sender, progress: progress_sender, done: done_sender, warnings: Vec::new(), permit };
        let commands = shared.commands.clone();
        commands.send(Command::Run { id: id.clone(), line, entry }).map_err(|_| self.gone())?;
        Ok(JobHandle { id, plan, progress, done, commands, held: true })
    }

    /// Counts, running jobs and memory of the engine.
    pub async fn status(&self) -> Result<Status, Error> {
        let (reply, answer) = oneshot::channel();
        self.ask(Command::Status(reply), answer).await
    }

    /// The bound of the engine's memory, bytes.
    pub async fn budget(&self) -> Result<u64, Error> {
        let (reply, answer) = oneshot::channel();
        self.ask(Command::Budget(None, reply), answer).await?.map_err(Error::Refused)
    }

    /// Another bound, for jobs that have not started; lost when the engine is replaced.
    pub async fn set_budget(&self, memory: &str) -> Result<u64, Error> {
        let (reply, answer) = oneshot::channel();
        self.ask(Command::Budget(Some(memory.into()), reply), answer).await?.map_err(Error::Refused)
    }

    /// Engines that ended unasked: the last 64.
    pub fn crashes(&self) -> Vec<Crash> {
        self.shared.crashes.borrow().clone()
    }

    /// Takes no more jobs, finishes those that are under way, ends the engine.
    pub async fn shutdown(&self) -> Result<Summary, Error> {
        let (reply, answer) = oneshot::channel();
        self.ask(Command::Shutdown(false, reply), answer).await
    }

    /// The same, and cancels those that are under way.
    pub async fn shutdown_now(&self) -> Result<Summary, Error> {
        let (reply, answer) = oneshot::channel();
        self.ask(Command::Shutdown(true, reply), answer).await
    }

    async fn ask<T>(&self, command: Command, answer: oneshot::Receiver<T>) -> Result<T, Error> {
        self.shared.commands.send(command).map_err(|_| self.gone())?;
        answer.await.map_err(|_| self.gone())
    }

    fn gone(&self) -> Error {
        match self.crashes().last() {
            Some(crash) => Error::Crashed(format!("{}: {}", crash.exit, crash.log)),
            None => Error::Closed,
        }
    }
}
