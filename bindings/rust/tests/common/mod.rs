// SPDX-License-Identifier: MIT
#![allow(dead_code)]
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The real program. A test that cannot run fails.
pub fn program() -> PathBuf {
    let path = std::env::var("TILEWRIGHT").expect("TILEWRIGHT names the program that is tested");
    std::fs::canonicalize(path).expect("TILEWRIGHT is a file")
}

/// A folder that is removed when the test ends.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tilewright-client-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.at(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The program under a name of its own, so that its process can be told from those of other tests.
    pub fn named_program(&self, name: &str) -> PathBuf {
        let path = self.at(name);
        std::os::unix::fs::symlink(program(), &path).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn pixels(width: usize, height: usize, seed: usize) -> Vec<u8> {
    let mut bytes = format!("P6\n{width} {height}\n255\n").into_bytes();
    for y in 0..height {
        for x in 0..width {
            let noise = (x * 7919 + y * 104729 + seed * 31).wrapping_mul(2654435761) >> 13;
            bytes.extend_from_slice(&[(x * 3 % 200) as u8, (y * 5 % 220) as u8, (noise & 127) as u8]);
        }
    }
    bytes
}

pub fn make_picture(path: &Path, width: usize, height: usize, seed: usize) -> PathBuf {
    std::fs::File::create(path).unwrap().write_all(&pixels(width, height, seed)).unwrap();
    path.to_owned()
}

/// Blots nowhere alike, as they are seen `shift` pixels further right.
pub fn make_texture(path: &Path, width: usize, height: usize, shift: usize) -> PathBuf {
    let blot = |x: usize, y: usize| (x * 374761393 + y * 668265263).wrapping_mul(0x9E3779B97F4A7C15) >> 56;
    let mut bytes = format!("P5\n{width} {height}\n255\n").into_bytes();
    for y in 0..height {
        for x in shift..shift + width {
            let (i, j, u, v) = (x / 8, y / 8, x % 8, y % 8);
            let side = |i: usize| blot(i, j) * (8 - v) + blot(i, j + 1) * v;
            bytes.push(((side(i) * (8 - u) + side(i + 1) * u) / 64) as u8);
        }
    }
    std::fs::write(path, bytes).unwrap();
    path.to_owned()
}

/// Processes of that name (at most 15 bytes) that are our children.
pub fn children(name: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let pid: u32 = entry.file_name().to_string_lossy().parse().unwrap_or(0);
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if let Some((head, tail)) = stat.rsplit_once(')') {
            let mut rest = tail.split_whitespace();
            let alive = rest.next() != Some("Z");
            if alive && head.ends_with(&format!("({name}")) && rest.next() == Some(&std::process::id().to_string()) {
                found.push(pid);
            }
        }
    }
    found
}

pub fn kill(pid: u32) {
    assert!(std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}

pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} did not come about");
}

pub fn is_png(path: &Path) -> bool {
    let bytes = std::fs::read(path).unwrap();
    bytes.starts_with(b"\x89PNG") && bytes.ends_with(b"IEND\xae\x42\x60\x82")
}
