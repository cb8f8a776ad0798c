// SPDX-License-Identifier: MIT
//! The client against the real program.

mod common;

use common::*;
use std::path::PathBuf;
use tilewright_client::{
    Builder, Client, Compare, Error, Interpolate, Job, JobError, Output, Picture, Register, Upscale, Warp,
};

fn builder() -> Builder {
    Client::builder().program(program())
}

#[tokio::test]
async fn one_job() {
    let folder = Folder::new("one");
    let source = make_picture(&folder.at("in.ppm"), 300, 200, 1);
    let client = builder().memory("300M").start().await.unwrap();
    assert_eq!((client.hello().proto, client.hello().budget_bytes), (1, 300 << 20));
    assert!(client.hello().ops.iter().any(|op| op == "upscale"));
    let job = Upscale::new(&source, folder.at("out.png")).tile((64, 48)).quality(90).memory(200u64 << 20).tta(false);
    let mut job = client.run(job).await.unwrap();
    let plan = job.plan().await.unwrap();
    assert_eq!((plan.width, plan.height, plan.tile), (600, 400, [64, 48]));
    assert!(plan.exact && plan.planned_peak_bytes > 40 << 20 && plan.more.contains_key("budget_bytes"));
    let mut last = 0.0;
    while let Some(fraction) = job.progress().await {
        assert!(fraction >= last, "{fraction} after {last}");
        last = fraction;
    }
    assert_eq!(last, 1.0);
    let done = job.finish().await.unwrap();
    assert_eq!(done.output, Some(folder.at("out.png")));
    assert_eq!(done.bytes, std::fs::metadata(folder.at("out.png")).unwrap().len());
    assert_eq!(done.sha256.unwrap().len(), 64);
    assert!(done.report["width"] == 600 && done.seconds > 0.0 && done.job_peak_bytes > 0 && !done.skipped);
    let again = client.run(Job::from(Upscale::new(&source, folder.at("out.png"))).resume(true)).await.unwrap();
    assert!(again.finish().await.unwrap().skipped);
    let same = client.run(Compare::new(folder.at("out.png"), folder.at("out.png"))).await.unwrap().finish().await.unwrap();
    assert_eq!((same.output, same.report["identical"].as_bool()), (None, Some(true)));
    let summary = client.shutdown().await.unwrap();
    assert_eq!((summary.processed, summary.skipped, summary.errors), (2, 1, 0));
    assert!(summary.peak_bytes < 300 << 20 && summary.latency.p95 > 0.0);
    assert!(matches!(client.run(Upscale::new("a", "b")).await, Err(Error::Closed)));
    assert!(matches!(client.status().await, Err(Error::Closed)));
}

#[tokio::test]
async fn inline_there_and_back() {
    let folder = Folder::new("inline");
    let picture = Picture::Inline { bytes: pixels(80, 60, 2), name: "page 7".into() };
    let client = builder().start().await.unwrap();
    let done = client.run(Upscale::new(picture.clone(), Output::Inline("png".into()))).await.unwrap().finish().await.unwrap();
    let bytes = done.picture.unwrap();
    assert_eq!((bytes.len() as u64, done.output), (done.bytes, None));
    let file = client.run(Upscale::new(picture, folder.at("out.png"))).await.unwrap().finish().await.unwrap();
    assert_eq!((file.sha256, std::fs::read(folder.at("out.png")).unwrap()), (done.sha256, bytes));
    let large = Picture::Inline { bytes: vec![7; 900_000], name: "large".into() };
    let refused = client.run(Upscale::new(large, folder.at("no.png"))).await.unwrap_err();
    assert!(matches!(&refused, Error::Refused(error) if error.message.contains("longer than a line")), "{refused}");
}

#[tokio::test]
async fn many_at_a_time() {
    let folder = Folder::new("many");
    let sources: Vec<PathBuf> = (0..5).map(|i| make_picture(&folder.at(&format!("in{i}.ppm")), 60 + 40 * i, 50, i)).collect();
    let client = builder().memory("300M").under_way(8).start().await.unwrap();
    let mut waiting = Vec::new();
    for i in 0..40 {
        let job = client.run(Upscale::new(&sources[i % 5], folder.at(&format!("o{i}.png")))).await.unwrap();
        waiting.push(tokio::spawn(job.finish()));
    }
    let status = client.status().await.unwrap();
    assert!(status.waiting + status.running.len() as u64 <= 8, "{status:?}");
    assert!(status.resident_bytes > 0 && status.planned_bytes <= status.budget_bytes);
    for (i, job) in waiting.into_iter().enumerate() {
        job.await.unwrap().unwrap();
        assert!(is_png(&folder.at(&format!("o{i}.png"))));
    }
    let summary = client.shutdown().await.unwrap();
    assert_eq!((summary.processed, summary.errors), (40, 0));
    assert!(summary.peak_bytes < 300 << 20, "{summary:?}");
}

/// One picture moved by a shift: the frame between, the field, what the field makes of it, and how near that comes.
#[tokio::test]
async fn every_operator() {
    let folder = Folder::new("ops");
    let (first, second) = (make_texture(&folder.at("a.ppm"), 400, 300, 0), make_texture(&folder.at("b.ppm"), 400, 300, 4));
    let path = |name: &str| folder.at(name).to_str().unwrap().to_owned();
    let client = builder().memory("400M").start().await.unwrap();
    let between = Interpolate::new(&first, &second, folder.at("between.png")).time(0.5).scene_cut(0.0).static_(1.0);
    let done = client.run(between).await.unwrap().finish().await.unwrap();
    assert_eq!((done.report["op"].as_str(), done.report["width"].as_u64()), (Some("interpolate"), Some(400)));
    assert!(is_png(&folder.at("between.png")));
    let found = Register::new(&first, &second).field(path("found.tfm")).transform("similarity");
    let done = client.run(found).await.unwrap().finish().await.unwrap();
    assert_eq!((done.report["op"].as_str(), done.report["field"].as_str()), (Some("register"), Some(&*path("found.tfm"))));
    let back = Warp::new(&second, folder.at("back.png")).field(path("found.tfm")).outside("mirror");
    client.run(back).await.unwrap().finish().await.unwrap();
    let psnr = |a: PathBuf, b: PathBuf| {
        let job = Compare::new(a, b).crop(20);
        async { client.run(job).await.unwrap().finish().await.unwrap().report["psnr"].as_f64().unwrap_or(f64::INFINITY) }
        // none: the same
    };
    let (before, after) = (psnr(first.clone(), second.clone()).await, psnr(first.clone(), folder.at("back.png")).await);
    assert!(after > 40.0 && before < 30.0, "{before} dB became {after}");
    let halfway = make_texture(&folder.at("half.ppm"), 400, 300, 2);
    let between = psnr(halfway.clone(), folder.at("between.png")).await;
    assert!(between > psnr(halfway, first).await + 3.0, "{between}");
    assert_eq!(client.shutdown().await.unwrap().errors, 0);
}

/// A method that the engine does not know an option for would be a mistake of the table's.
#[tokio::test]
async fn every_method_is_an_option() {
    let client = builder().start().await.unwrap();
    let (mut op, mut options) = (String::new(), 0);
    for line in include_str!("../src/operators.rs").lines() {
        let quoted = line.split('"').nth(1).unwrap_or_default();
        if line.contains("Job::new(\"") {
            op = quoted.to_owned();
        } else if line.contains("self.set(\"") {
            let error = failure(&client, Job::new(&op).input("no.png").option(quoted, "?")).await;
            assert!(!error.message.contains("unknown"), "{op}: {error}");
            options += 1;
        }
    }
    assert!(options > 100, "{options}");
    assert_eq!(client.shutdown().await.unwrap().errors, options);
}

async fn failure(client: &Client, job: impl Into<Job>) -> JobError {
    client.run(job).await.unwrap().finish().await.unwrap_err()
}

#[tokio::test]
async fn what_goes_wrong() {
    let folder = Folder::new("wrong");
    let source = make_picture(&folder.at("in.ppm"), 60, 40, 1);
    let client = builder().memory("256M").start().await.unwrap();
    let missing = failure(&client, Upscale::new(folder.at("no.png"), folder.at("o.png"))).await;
    assert!(missing.code == 3 && missing.message.contains("no.png") && !missing.retryable && !missing.interrupted);
    let small = failure(&client, Upscale::new(&source, folder.at("o.png")).memory("20M")).await;
    assert!(small.code == 4 && small.message.contains("smallest that would do"), "{small}");
    let unknown = failure(&client, Job::from(Upscale::new(&source, folder.at("o.png"))).option("tiel", 5)).await;
    assert!(unknown.code == 2 && unknown.message.contains("did you mean \"tile\""), "{unknown}");
    assert_eq!(client.budget().await.unwrap(), 256 << 20);
    assert_eq!(client.set_budget("200M").await.unwrap(), 200 << 20);
    let refused = client.set_budget("1K").await.unwrap_err();
    assert!(matches!(&refused, Error::Refused(error) if error.code == 4), "{refused}");
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::OsStr::from_bytes(b"\xff.png");
    assert!(matches!(client.run(Upscale::new(std::path::Path::new(name), "o.png")).await, Err(Error::Refused(_))));
    assert!(client.run(Upscale::new(&source, folder.at("o.png"))).await.unwrap().finish().await.is_ok());
    assert_eq!(client.shutdown().await.unwrap().errors, 4);
}

#[tokio::test]
async fn cancelling() {
    let folder = Folder::new("cancel");
    let (large, small) = (make_picture(&folder.at("l.ppm"), 1200, 900, 1), make_picture(&folder.at("s.ppm"), 50, 50, 1));
    let client = builder().jobs(1).start().await.unwrap();
    let mut first = client.run(Upscale::new(&large, folder.at("o1.png")).scale(4.0)).await.unwrap();
    let dropped = client.run(Upscale::new(&large, folder.at("o2.png")).scale(4.0)).await.unwrap();
    client.run(Upscale::new(&small, folder.at("o3.png"))).await.unwrap().detach();
    first.progress().await.unwrap();
    drop(dropped);
    first.cancel();
    let error = first.finish().await.unwrap_err();
    assert!(error.is_cancelled() && error.retryable, "{error}");
    until("the detached job", || folder.at("o3.png").exists()).await;
    let summary = client.shutdown().await.unwrap();
    assert_eq!((summary.processed, summary.cancelled), (1, 2));
    assert!(!folder.at("o1.png").exists() && !folder.at("o2.png").exists());
}

#[tokio::test]
async fn shutdown_now_cancels() {
    let folder = Folder::new("now");
    let large = make_picture(&folder.at("l.ppm"), 1200, 900, 1);
    let client = builder().start().await.unwrap();
    let mut job = client.run(Upscale::new(&large, folder.at("o.png")).scale(4.0)).await.unwrap();
    job.progress().await.unwrap();
    assert_eq!(client.shutdown_now().await.unwrap().cancelled, 1);
    assert!(job.finish().await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn a_killed_engine_is_replaced() {
    let folder = Folder::new("killed");
    let sources: Vec<PathBuf> = (0..12).map(|i| make_picture(&folder.at(&format!("in{i}.ppm")), 300, 200, i)).collect();
    let client = Client::builder().program(folder.named_program("tw-killed")).start().await.unwrap();
    let mut jobs = Vec::new();
    for (i, source) in sources.iter().enumerate() {
        jobs.push(client.run(Upscale::new(source, folder.at(&format!("o{i}.png"))).scale(3.0)).await.unwrap());
    }
    let mut ended: Vec<_> = jobs.drain(..4).collect();
    let first = ended.remove(0).finish().await.unwrap();
    let engine = children("tw-killed");
    assert_eq!(engine.len(), 1);
    kill(engine[0]);
    let (mut done, mut interrupted) = (vec![first], Vec::new());
    for (i, job) in ended.into_iter().chain(jobs).enumerate() {
        let id = job.id().to_owned();
        match job.finish().await {
            Ok(result) => done.push(result),
            Err(error) => {
                assert!(error.interrupted && error.retryable && error.message.contains("SIGKILL"), "{error}");
                interrupted.push((i + 1, id));
            }
        }
    }
    assert!(!interrupted.is_empty());
    for result in &done {
        assert!(is_png(result.output.as_ref().unwrap()));
    }
    let crashes = client.crashes();
    let mut reported = crashes[0].jobs.clone();
    reported.sort();
    let mut expected: Vec<String> = interrupted.iter().map(|(_, id)| id.clone()).collect();
    expected.sort();
    assert_eq!((crashes.len(), reported), (1, expected));
    for (i, _) in interrupted {
        let again = Job::from(Upscale::new(&sources[i], folder.at(&format!("o{i}.png"))).scale(3.0)).resume(true);
        client.run(again).await.unwrap().finish().await.unwrap();
    }
    for i in 0..12 {
        assert!(is_png(&folder.at(&format!("o{i}.png"))));
    }
    assert_ne!(children("tw-killed"), engine);
    client.shutdown().await.unwrap();
}

#[tokio::test]
async fn it_is_not_replaced_for_ever() {
    let folder = Folder::new("dies");
    let hello = r#"{"event":"hello","proto":1,"version":"x","devices":[],"budget_bytes":1,"line_limit":1048576,"ops":[]}"#;
    let script = folder.script(
        "dies",
        &format!("echo x >>{}\necho '{hello}'\nread line\necho last words >&2\nexit 9", folder.at("starts").display()),
    );
    let client = Client::builder().program(script).restarts(2).start().await.unwrap();
    let mut interrupted = 0;
    let gone = loop {
        match client.run(Upscale::new("a", "b")).await {
            Ok(job) => interrupted += u32::from(job.finish().await.unwrap_err().interrupted),
            Err(error) => break error,
        }
    };
    assert!((3..10).contains(&interrupted), "{interrupted}");
    assert!(matches!(&gone, Error::Crashed(log) if log.contains("last words") && log.contains('9')), "{gone}");
    assert_eq!(client.crashes().len(), 3);
    assert_eq!(std::fs::read_to_string(folder.at("starts")).unwrap().lines().count(), 3);
}

#[tokio::test]
async fn bad_starts() {
    let folder = Folder::new("starts");
    let missing = Client::builder().program(folder.at("nothing")).start().await.unwrap_err();
    assert!(matches!(missing, Error::Start(_)), "{missing}");
    let silent = Client::builder().program(folder.script("silent", "echo so sad >&2; exit 3")).start().await.unwrap_err();
    assert!(matches!(&silent, Error::Crashed(log) if log.contains("so sad")), "{silent}");
    let other = Client::builder().program(folder.script("other", "echo hallo; read x")).start().await.unwrap_err();
    assert!(matches!(&other, Error::Protocol(text) if text == "hallo"), "{other}");
    let hello = r#"{"event":"hello","proto":2,"version":"x","devices":[],"budget_bytes":1,"line_limit":9,"ops":[]}"#;
    let newer =
        Client::builder().program(folder.script("newer", &format!("echo '{hello}'; read x"))).start().await.unwrap_err();
    assert!(matches!(&newer, Error::Protocol(text) if text.contains("version 2")), "{newer}");
    let small = builder().memory("20M").start().await.unwrap_err();
    assert!(matches!(&small, Error::Crashed(log) if log.contains("cannot hold a queue")), "{small}");
}

#[tokio::test]
async fn it_dies_with_its_client() {
    let folder = Folder::new("drop");
    let large = make_picture(&folder.at("l.ppm"), 1200, 900, 1);
    let client = Client::builder().program(folder.named_program("tw-dropped")).start().await.unwrap();
    let mut job = client.run(Upscale::new(&large, folder.at("o.png")).scale(4.0)).await.unwrap();
    job.progress().await.unwrap();
    drop(client);
    assert_eq!(children("tw-dropped").len(), 1); // the handle holds it
    drop(job);
    until("the end of the engine", || children("tw-dropped").is_empty()).await;
    assert!(!folder.at("o.png").exists());
}
