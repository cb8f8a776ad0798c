// SPDX-License-Identifier: MIT
//! Client of `tilewright batch`: pictures of any size are upscaled, warped, registered and compared inside a memory budget, in one
//! process that loads its models once and runs jobs side by side as far as their planned peaks fit.
//!
//! ```no_run
//! use tilewright_client::{Client, Upscale};
//!
//! # async fn pages() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder().memory("1G").start().await?;
//! let mut job = client.run(Upscale::new("page.png", "large.png").model("photo-2x")).await?;
//! while let Some(fraction) = job.progress().await {
//!     println!("{:.0} %", 100.0 * fraction);
//! }
//! println!("{} bytes", job.finish().await?.bytes);
//! println!("{:?}", client.shutdown().await?);
//! # Ok(())
//! # }
//! ```
//!
//! The engine is a child process. It ends with the last client and handle. Where it ends unasked, the jobs under way fail with
//! `interrupted`, finished files stay, and the next job starts another engine.

mod base64;
mod client;
mod engine;
mod error;
mod event;
mod job;
mod operators;
mod value;

pub use client::{Builder, Client, Crash};
pub use error::{Error, JobError};
pub use event::{Done, Hello, Plan, Running, Status, Summary, Times};
pub use job::{Job, JobHandle, Output, Picture};
pub use operators::{Compare, Interpolate, Register, Upscale, Warp};
pub use value::{Bytes, Choice, Pixels};
