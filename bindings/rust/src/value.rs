// SPDX-License-Identifier: MIT
//! What options take besides numbers and texts.

use serde_json::Value;

/// A size in memory or on disk: a number of bytes, or a text such as `"512M"` or `"50%"`.
#[derive(Clone, Debug)]
pub struct Bytes(Value);

/// A size in pixels: one number for both sides, `(width, height)`, or a text such as `"640x480"`.
#[derive(Clone, Debug)]
pub struct Pixels(Value);

/// One of an option's words, or a number where it has a place for one.
#[derive(Clone, Debug)]
pub struct Choice(Value);

macro_rules! from {
    ($to:ident: $($source:ty),*) => {
        $(impl From<$source> for $to {
            fn from(value: $source) -> Self {
                $to(value.into())
            }
        })*
        impl From<$to> for Value {
            fn from(value: $to) -> Self {
                value.0
            }
        }
    };
}

from!(Bytes: u64, &str, String);
from!(Pixels: u32, &str, String);
from!(Choice: u32, i32, f64, &str, String);

impl From<(u32, u32)> for Pixels {
    fn from((width, height): (u32, u32)) -> Self {
        Pixels(vec![width, height].into())
    }
}
