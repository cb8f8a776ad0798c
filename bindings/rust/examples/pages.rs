// SPDX-License-Identifier: MIT
//! Upscales every picture of a folder in one batch, inside a memory budget, and says what became of each:
//!
//! ```text
//! cargo run --release --example pages -- IN OUT [MEMORY] [SCALE]
//! ```
//!
//! What an interruption leaves undone is told, and the same command goes on from there.
use std::path::PathBuf;
use tilewright_client::{Client, Job, JobHandle, Upscale};

fn pictures(folder: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() && !path.file_name().map_or(true, |name| name.to_string_lossy().starts_with('.')) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Every page, as they end. Gives how many have no result.
async fn report(mut jobs: tokio::sync::mpsc::Receiver<(PathBuf, JobHandle)>) -> usize {
    let mut undone = 0;
    while let Some((page, job)) = jobs.recv().await {
        match job.finish().await {
            Ok(done) if done.skipped => println!("{}: there already", page.display()),
            Ok(done) => println!("{}: {} bytes, {:.2} s", page.display(), done.bytes, done.seconds),
            Err(error) => {
                undone += 1;
                println!("{}: {}{}", page.display(), if error.interrupted { "INTERRUPTED: " } else { "" }, error.message);
            }
        }
    }
    undone
}

#[tokio::main]
async fn main() {
    if let Err(error) = upscale_all().await {
        eprintln!("pages: {error}");
        std::process::exit(1);
    }
}

async fn upscale_all() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.len() < 2 {
        return Err("usage: pages IN OUT [MEMORY] [SCALE]".into());
    }
    let memory = words.get(2).map_or("50%", String::as_str);
    let scale: f64 = words.get(3).map_or(Ok(2.0), |word| word.parse())?;
    let program = std::env::var("TILEWRIGHT").unwrap_or_else(|_| "tilewright".into());
    std::fs::create_dir_all(&words[1])?;
    let client = Client::builder().program(program).memory(memory).start().await?;
    let (sender, receiver) = tokio::sync::mpsc::channel(1024);
    let reporter = tokio::spawn(report(receiver));
    let mut unsent = 0;
    for page in pictures(&words[0])? {
        let name = PathBuf::from(page.file_name().unwrap_or_default()).with_extension("png");
        let upscale = Upscale::new(&page, PathBuf::from(&words[1]).join(name)).scale(scale);
        match client.run(Job::from(upscale).resume(true)).await {
            Ok(job) => sender.send((page, job)).await?,
            Err(error) => {
                unsent += 1;
                println!("{}: not sent: {error}", page.display());
            }
        }
    }
    drop(sender);
    let undone = reporter.await? + unsent;
    for crash in client.crashes() {
        println!("the engine ended unasked ({}), {} pages were under way", crash.exit, crash.jobs.len());
    }
    let s = client.shutdown().await?;
    println!(
        "{} done, {} there already, {} errors in {:.1} s: {:.2} pages/s, latency {:.2} s mean, {:.2} s p95; {:.1} MB in, {:.1} MB out; \
         peak {:.1} MiB of {}",
        s.processed,
        s.skipped,
        s.errors,
        s.seconds,
        s.processed as f64 / s.seconds,
        s.latency.mean,
        s.latency.p95,
        s.input_mb,
        s.output_mb,
        s.peak_bytes as f64 / 1048576.0,
        memory
    );
    if undone > 0 {
        return Err(format!("{undone} pages have no result; the same command goes on from here").into());
    }
    Ok(())
}
