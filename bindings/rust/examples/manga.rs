// SPDX-License-Identifier: MIT
//! A backend that upscales uploaded pages: one engine behind it, as many pages side by side as fit its memory budget.
//!
//! ```text
//! cargo run --release --example manga -- FOLDER [PORT] [MEMORY]
//! curl -F page=@1.png -F page=@2.png 'http://127.0.0.1:8080/pages?scale=2'     [{"id":"1","name":"1.png"},...]
//! curl http://127.0.0.1:8080/pages/1                                           {"state":"running","fraction":0.42}
//! curl -o large.png http://127.0.0.1:8080/pages/1/picture
//! curl -X DELETE http://127.0.0.1:8080/pages/1
//! curl http://127.0.0.1:8080/status
//! ```
use axum::extract::{DefaultBodyLimit, Multipart, Path, Query, State};
use axum::http::{header, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{json, Value};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tilewright_client::{Client, Done, Error, JobError, JobHandle, Upscale};
use tokio::io::AsyncWriteExt;
use tokio::sync::{oneshot, watch};

const LARGEST_UPLOAD: usize = 256 << 20;

struct Page {
    progress: watch::Receiver<f64>,
    end: Option<Result<Done, JobError>>,
    _stop: oneshot::Sender<()>, // dropped with the page
    files: [PathBuf; 2],
}

struct Backend {
    client: Client,
    folder: PathBuf,
    pages: Mutex<HashMap<String, Page>>,
}

type Shared = Arc<Backend>;

impl Backend {
    fn pages(&self) -> std::sync::MutexGuard<'_, HashMap<String, Page>> {
        self.pages.lock().unwrap_or_else(|broken| broken.into_inner())
    }
}

pub struct Failure(StatusCode, String);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

fn wrong(text: impl ToString) -> Failure {
    Failure(StatusCode::BAD_REQUEST, text.to_string())
}

fn broken(text: impl ToString) -> Failure {
    Failure(StatusCode::SERVICE_UNAVAILABLE, text.to_string())
}

#[derive(Deserialize)]
struct Wish {
    scale: Option<f64>,
    model: Option<String>,
}

/// A part of the upload goes to disk as it comes.
async fn save(field: &mut axum::extract::multipart::Field<'_>, path: &PathBuf) -> Result<(), Failure> {
    let mut file = tokio::fs::File::create(path).await.map_err(broken)?;
    while let Some(chunk) = field.chunk().await.map_err(wrong)? {
        file.write_all(&chunk).await.map_err(broken)?;
    }
    file.flush().await.map_err(broken)
}

fn job_of(wish: &Wish, files: &[PathBuf; 2]) -> Upscale {
    let mut job = Upscale::new(&files[0], &files[1]).overwrite(true);
    if let Some(scale) = wish.scale {
        job = job.scale(scale);
    }
    if let Some(model) = &wish.model {
        job = job.model(model);
    }
    job
}

/// Until the job has ended; cancels it when the page is no longer wanted, and then says so.
async fn watch(handle: &mut JobHandle, progress: &watch::Sender<f64>, stopped: &mut oneshot::Receiver<()>) -> bool {
    let mut wanted = true;
    loop {
        tokio::select! {
            fraction = handle.progress() => match fraction {
                Some(fraction) => drop(progress.send(fraction)),
                None => return wanted,
            },
            _ = &mut *stopped, if wanted => {
                handle.cancel();
                wanted = false;
            }
        }
    }
}

/// Runs to the end, and once more where the engine went away underneath.
async fn work(
    client: Client,
    job: Upscale,
    mut handle: JobHandle,
    progress: watch::Sender<f64>,
    mut stopped: oneshot::Receiver<()>,
) -> Result<Done, JobError> {
    for last in [false, true] {
        let wanted = watch(&mut handle, &progress, &mut stopped).await;
        match handle.finish().await {
            Err(error) if error.interrupted && wanted && !last => match client.run(job.clone()).await {
                Ok(again) => handle = again,
                Err(_) => return Err(error),
            },
            end => return end,
        }
    }
    unreachable!("the second round returns")
}

async fn start(backend: &Shared, wish: &Wish, files: [PathBuf; 2]) -> Result<String, Error> {
    let job = job_of(wish, &files);
    let handle = backend.client.run(job.clone()).await?;
    let id = handle.id().to_owned();
    let (sender, progress) = watch::channel(0.0);
    let (stop, stopped) = oneshot::channel();
    backend.pages().insert(id.clone(), Page { progress, end: None, _stop: stop, files: files.clone() });
    let (backend, name) = (backend.clone(), id.clone());
    tokio::spawn(async move {
        let end = work(backend.client.clone(), job, handle, sender, stopped).await;
        let forgotten = match backend.pages().get_mut(&name) {
            Some(page) => {
                page.end = Some(end);
                false
            }
            None => true,
        };
        if forgotten {
            remove(&files).await; // not before the job has ended: it may be reading them
        }
    });
    Ok(id)
}

async fn upload(State(backend): State<Shared>, Query(wish): Query<Wish>, mut form: Multipart) -> Result<Json<Value>, Failure> {
    let mut taken = Vec::new();
    while let Some(mut field) = form.next_field().await.map_err(wrong)? {
        let name = field.file_name().unwrap_or("page").to_owned();
        let unique =
            format!("{:x}", std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_err(broken)?.as_nanos());
        let files = [backend.folder.join(format!("{unique}.in")), backend.folder.join(format!("{unique}.png"))];
        save(&mut field, &files[0]).await?;
        let id = start(&backend, &wish, files).await.map_err(broken)?;
        taken.push(json!({ "id": id, "name": name }));
    }
    Ok(Json(taken.into()))
}

fn no_page() -> Failure {
    Failure(StatusCode::NOT_FOUND, "no such page".into())
}

async fn look(State(backend): State<Shared>, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let pages = backend.pages();
    let page = pages.get(&id).ok_or_else(no_page)?;
    Ok(Json(match &page.end {
        None => json!({ "state": "running", "fraction": *page.progress.borrow() }),
        Some(Ok(done)) => json!({ "state": "done", "bytes": done.bytes, "sha256": done.sha256, "seconds": done.seconds }),
        Some(Err(error)) => json!({ "state": "failed", "error": error.message, "retryable": error.retryable }),
    }))
}

async fn picture(State(backend): State<Shared>, Path(id): Path<String>) -> Result<Response, Failure> {
    let path = {
        let pages = backend.pages();
        let page = pages.get(&id).ok_or_else(no_page)?;
        match &page.end {
            Some(Ok(_)) => page.files[1].clone(),
            _ => return Err(Failure(StatusCode::CONFLICT, "the page is not done".into())),
        }
    };
    let bytes = tokio::fs::read(path).await.map_err(broken)?;
    Ok(([(header::CONTENT_TYPE, "image/png")], bytes).into_response())
}

async fn remove(files: &[PathBuf; 2]) {
    for file in files {
        let _ = tokio::fs::remove_file(file).await;
    }
}

async fn forget(State(backend): State<Shared>, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    let page = backend.pages().remove(&id).ok_or_else(no_page)?;
    if page.end.is_some() {
        remove(&page.files).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn status(State(backend): State<Shared>) -> Result<Json<Value>, Failure> {
    let status = backend.client.status().await.map_err(broken)?;
    Ok(Json(json!({
        "waiting": status.waiting, "running": status.running.len(), "budget_bytes": status.budget_bytes,
        "resident_bytes": status.resident_bytes, "crashes": backend.client.crashes().len()
    })))
}

pub fn app(client: Client, folder: PathBuf) -> Router {
    let backend = Arc::new(Backend { client, folder, pages: Mutex::new(HashMap::new()) });
    Router::new()
        .route("/pages", post(upload))
        .route("/pages/:id", get(look).delete(forget))
        .route("/pages/:id/picture", get(picture))
        .route("/status", get(status))
        .layer(DefaultBodyLimit::max(LARGEST_UPLOAD))
        .with_state(backend)
}

#[allow(dead_code)] // the test calls `app`
#[tokio::main]
async fn main() {
    if let Err(error) = serve().await {
        eprintln!("manga: {error}");
        std::process::exit(1);
    }
}

#[allow(dead_code)]
async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let folder = PathBuf::from(words.next().ok_or("usage: manga FOLDER [PORT] [MEMORY]")?);
    let port: u16 = words.next().map_or(Ok(8080), |word| word.parse())?;
    let memory = words.next().unwrap_or_else(|| "50%".into());
    std::fs::create_dir_all(&folder)?;
    let program = std::env::var("TILEWRIGHT").unwrap_or_else(|_| "tilewright".into());
    let client = Client::builder().program(program).memory(&memory).log(|line| eprintln!("engine: {line}")).start().await?;
    eprintln!("tilewright {} on http://127.0.0.1:{port}", client.hello().version);
    let server = axum::Server::bind(&([127, 0, 0, 1], port).into()).serve(app(client.clone(), folder).into_make_service());
    server.with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) }).await?;
    let summary = client.shutdown_now().await?;
    eprintln!(
        "{} done, {} failed, {} cancelled; {:.1} s a page, {:.1} s for 95 of 100; engine's peak {} MiB",
        summary.processed,
        summary.errors,
        summary.cancelled,
        summary.latency.mean,
        summary.latency.p95,
        summary.peak_bytes >> 20
    );
    Ok(())
}
