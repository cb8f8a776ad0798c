// SPDX-License-Identifier: MIT
// Written by tools/docs/generate.py from the options tables; do not edit: `make docs`.
//! One type per operator, one method per option.

use crate::job::{Job, Output, Picture};
use crate::value::{Bytes, Choice, Pixels};

/// Enlarge or restore a picture with a net, in bounded memory.
#[derive(Clone, Debug)]
pub struct Upscale(Job);

impl Upscale {
    pub fn new(input: impl Into<Picture>, output: impl Into<Output>) -> Self {
        Self(Job::new("upscale").input(input).output(output))
    }

    fn set(self, name: &str, value: serde_json::Value) -> Self {
        Self(self.0.option(name, value))
    }

    /// Model by name (tilewright models list) or by path of its .param file; default: one of
    /// the built-in nets, by --scale and by the quality that a JPEG, or a picture that once was
    /// one, was encoded with.
    pub fn model(self, value: impl Into<String>) -> Self {
        self.set("model", Into::<String>::into(value).into())
    }

    /// Enlargement of the result; other than the model's, the result is resampled after the net
    /// (default: the model's); 0.01 to 64.
    pub fn scale(self, value: f64) -> Self {
        self.set("scale", value.into())
    }

    /// Family of models to choose from by --scale, --noise and a word for --quality; --model
    /// wins; one of `realcugan`, `realesrgan`, `waifu2x`, `span`.
    pub fn engine(self, value: impl Into<Choice>) -> Self {
        self.set("engine", Into::<Choice>::into(value).into())
    }

    /// Noise reduction of the family's models, -1 for none; -1 to 3 (default `-1`).
    pub fn noise(self, value: i64) -> Self {
        self.set("noise", value.into())
    }

    /// Restore JPEG damage and noise with the built-in restore nets; --model wins (default: as
    /// the JPEG's quality asks); one of `low`, `medium`, `high`.
    pub fn strength(self, value: impl Into<Choice>) -> Self {
        self.set("strength", Into::<Choice>::into(value).into())
    }

    /// Compute only this part, X,Y,W,H in input pixels as they are stored, or as they are shown
    /// where the result is turned upright: exactly the pixels that the whole result has there.
    pub fn region(self, value: impl Into<String>) -> Self {
        self.set("region", Into::<String>::into(value).into())
    }

    /// Average over eight orientations (eight times the work).
    pub fn tta(self, value: bool) -> Self {
        self.set("tta", value.into())
    }

    /// What nets without padding of their own see beyond the picture (default: the model's);
    /// one of `reflect`, `replicate`, `zero`.
    pub fn pad(self, value: impl Into<Choice>) -> Self {
        self.set("pad", Into::<Choice>::into(value).into())
    }

    /// Ramp between overlapping tiles of nets that cannot be tiled exactly; exact ones need
    /// none; one of `none`, `linear`, `cosine`, `gaussian` (default `cosine`).
    pub fn blend(self, value: impl Into<Choice>) -> Self {
        self.set("blend", Into::<Choice>::into(value).into())
    }

    /// Input pixels that such tiles share, 0 for a tenth of the tile's side; 0 to 65536
    /// (default `0`).
    pub fn ramp(self, value: i64) -> Self {
        self.set("ramp", value.into())
    }

    /// Edges between such tiles: evenly spaced, or moved to where the picture has least detail;
    /// one of `even`, `content` (default `even`).
    pub fn seams(self, value: impl Into<Choice>) -> Self {
        self.set("seams", Into::<Choice>::into(value).into())
    }

    /// Means and the like of whole-picture layers (Real-CUGAN, instance norm): exact; fast: of
    /// a sample of tiles; off: each tile has its own; the result then says how far off it is;
    /// one of `exact`, `fast`, `off` (default `exact`).
    pub fn sync(self, value: impl Into<Choice>) -> Self {
        self.set("sync", Into::<Choice>::into(value).into())
    }

    /// Container of the output (default: from its name); one of `png`, `jpeg`, `webp`, `tiff`,
    /// `gif`, `jxl`, `avif`, `heif`, `ppm`.
    pub fn format(self, value: impl Into<Choice>) -> Self {
        self.set("format", Into::<Choice>::into(value).into())
    }

    /// 1 to 100: of lossy containers (default: JPEG 92, WebP 90, AVIF 70, JPEG XL 90); a word:
    /// which model of --engine; one of `N`, `fast`, `balanced`, `best`.
    pub fn quality(self, value: impl Into<Choice>) -> Self {
        self.set("quality", Into::<Choice>::into(value).into())
    }

    /// Lossless WebP, AVIF or JPEG XL.
    pub fn lossless(self, value: bool) -> Self {
        self.set("lossless", value.into())
    }

    /// Effort of PNG compression, -1 for the default; -1 to 9 (default `-1`).
    pub fn compression(self, value: i64) -> Self {
        self.set("compression", value.into())
    }

    /// Compression of TIFF; one of `none`, `lzw`, `deflate`, `zstd` (default `deflate`).
    pub fn tiff_compression(self, value: impl Into<Choice>) -> Self {
        self.set("tiff_compression", Into::<Choice>::into(value).into())
    }

    /// Side of the tiles of a TIFF, a multiple of 16, so that parts of it can be read by
    /// themselves; 0: strips; 0 to 1024 (default `0`).
    pub fn tiff_tile(self, value: i64) -> Self {
        self.set("tiff_tile", value.into())
    }

    /// Turn the pixels upright instead of carrying the orientation tag.
    pub fn orient(self, value: bool) -> Self {
        self.set("orient", value.into())
    }

    /// Bound of the peak resident memory of the process; a percentage is of what it may use
    /// (default `50%`).
    pub fn memory(self, value: impl Into<Bytes>) -> Self {
        self.set("memory", Into::<Bytes>::into(value).into())
    }

    /// Bound of the device memory; a percentage is of what is free there (default `80%`).
    pub fn vram(self, value: impl Into<Bytes>) -> Self {
        self.set("vram", Into::<Bytes>::into(value).into())
    }

    /// Most worker threads, 0 for all processors this process may use; never changes the
    /// result; 0 to 1024 (default `0`).
    pub fn threads(self, value: i64) -> Self {
        self.set("threads", value.into())
    }

    /// Where nets run; auto is cpu, whose float32 results are exact; one of `auto`, `cpu`,
    /// `gpu`, `gpu:N` (default `auto`).
    pub fn device(self, value: impl Into<Choice>) -> Self {
        self.set("device", Into::<Choice>::into(value).into())
    }

    /// Carry: tiles hand on what the next ones read; halo: each reads its context; whole: one
    /// tile; auto: by cost; one of `auto`, `carry`, `halo`, `whole` (default `auto`).
    pub fn schedule(self, value: impl Into<Choice>) -> Self {
        self.set("schedule", Into::<Choice>::into(value).into())
    }

    /// Core of a tile in input pixels, N or WxH; 0 lets the plan choose (interpolate: the whole
    /// picture).
    pub fn tile(self, value: impl Into<Pixels>) -> Self {
        self.set("tile", Into::<Pixels>::into(value).into())
    }

    /// Pictures no larger than this run whole where the budget allows it.
    pub fn tile_threshold(self, value: impl Into<Pixels>) -> Self {
        self.set("tile_threshold", Into::<Pixels>::into(value).into())
    }

    /// True: any tiled schedule; false: the whole picture at once, still within the budget.
    pub fn enable_tiling(self, value: bool) -> Self {
        self.set("enable_tiling", value.into())
    }

    /// Context read around a tile: exact, a number of input pixels, or auto:EPS, the smallest
    /// whose error, measured on the picture, is less than EPS/255 (the result then says that it
    /// is not exact, and how far off); one of `exact`, `N`, `auto:EPS` (default `exact`).
    pub fn halo(self, value: impl Into<Choice>) -> Self {
        self.set("halo", Into::<Choice>::into(value).into())
    }

    /// Options set together for a kind of work; options given beside it win; one of `manga`,
    /// `4k`, `low-memory`, `fast`, `quality`, `speed`.
    pub fn profile(self, value: impl Into<Choice>) -> Self {
        self.set("profile", Into::<Choice>::into(value).into())
    }

    /// Folder for scratch files (default: TMPDIR, else /var/tmp).
    pub fn scratch(self, value: impl Into<String>) -> Self {
        self.set("scratch", Into::<String>::into(value).into())
    }

    /// Most bytes of scratch files.
    pub fn scratch_limit(self, value: impl Into<Bytes>) -> Self {
        self.set("scratch_limit", Into::<Bytes>::into(value).into())
    }

    /// Refuse inputs of more pixels than this, 0 for no limit (default `0`).
    pub fn max_pixels(self, value: i64) -> Self {
        self.set("max_pixels", value.into())
    }

    /// Replace an existing output.
    pub fn overwrite(self, value: bool) -> Self {
        self.set("overwrite", value.into())
    }
}

impl From<Upscale> for Job {
    fn from(op: Upscale) -> Self {
        op.0
    }
}

/// Make the frame between two, in bounded memory.
#[derive(Clone, Debug)]
pub struct Interpolate(Job);

impl Interpolate {
    pub fn new(first: impl Into<Picture>, second: impl Into<Picture>, output: impl Into<Output>) -> Self {
        Self(Job::new("interpolate").input(first).input(second).output(output))
    }

    fn set(self, name: &str, value: serde_json::Value) -> Self {
        Self(self.0.option(name, value))
    }

    /// Net of two pictures and a time, by name (tilewright models list) or by path of its
    /// .param file (default: between, built in).
    pub fn model(self, value: impl Into<String>) -> Self {
        self.set("model", Into::<String>::into(value).into())
    }

    /// Of the frame in between: 0 is the first frame, 1 the second; 0 to 1 (default `0.5`).
    pub fn time(self, value: f64) -> Self {
        self.set("time", value.into())
    }

    /// What the net sees right of and below pictures whose size is no multiple of what it needs
    /// (default: the model's); one of `replicate`, `reflect`, `zero`.
    pub fn pad(self, value: impl Into<Choice>) -> Self {
        self.set("pad", Into::<Choice>::into(value).into())
    }

    /// 0.5: the net sees frames half as large, and what it finds warps the frames themselves:
    /// quicker, and for motion larger than it has learned; auto: that for frames of more than
    /// 2560 pixels on a side; of models that do not run in stages: of the small frames on which
    /// --blend motion looks for motion; one of `1`, `0.5`, `0.25`, `auto` (default `1`).
    pub fn flow_scale(self, value: impl Into<Choice>) -> Self {
        self.set("flow_scale", Into::<Choice>::into(value).into())
    }

    /// Frames whose thumbnails are less alike than this (SSIM) show two scenes: the nearer one
    /// is repeated; 0: never; 0 to 1 (default `0.2`).
    pub fn scene_cut(self, value: f64) -> Self {
        self.set("scene_cut", value.into())
    }

    /// Frames whose thumbnails are more alike than this, and differ nowhere by a level of 8 bit
    /// on average, are the same: the nearer one is repeated; 1: never; 0 to 1 (default
    /// `0.996`).
    pub fn static_(self, value: f64) -> Self {
        self.set("static", value.into())
    }

    /// Of models that reach their result in steps; refused where the model has none; 1 to 1000.
    pub fn sample_steps(self, value: i64) -> Self {
        self.set("sample_steps", value.into())
    }

    /// Of the noise that some models of two pictures start from; refused where the model takes
    /// none (default `0`).
    pub fn seed(self, value: i64) -> Self {
        self.set("seed", value.into())
    }

    /// Tiles of models that do not run in stages: motion moves both frames along the motion
    /// around a tile and takes tones from a small frame made at once; distance gives tiles the
    /// frames as they are and weighs them by the distance from their edges; one of `motion`,
    /// `distance` (default `motion`).
    pub fn blend(self, value: impl Into<Choice>) -> Self {
        self.set("blend", Into::<Choice>::into(value).into())
    }

    /// Container of the output (default: from its name); one of `png`, `jpeg`, `webp`, `tiff`,
    /// `gif`, `jxl`, `avif`, `heif`, `ppm`.
    pub fn format(self, value: impl Into<Choice>) -> Self {
        self.set("format", Into::<Choice>::into(value).into())
    }

    /// Of lossy containers (default: JPEG 92, WebP 90, AVIF 70, JPEG XL 90); 1 to 100.
    pub fn quality(self, value: i64) -> Self {
        self.set("quality", value.into())
    }

    /// Lossless WebP, AVIF or JPEG XL.
    pub fn lossless(self, value: bool) -> Self {
        self.set("lossless", value.into())
    }

    /// Effort of PNG compression, -1 for the default; -1 to 9 (default `-1`).
    pub fn compression(self, value: i64) -> Self {
        self.set("compression", value.into())
    }

    /// Compression of TIFF; one of `none`, `lzw`, `deflate`, `zstd` (default `deflate`).
    pub fn tiff_compression(self, value: impl Into<Choice>) -> Self {
        self.set("tiff_compression", Into::<Choice>::into(value).into())
    }

    /// Side of the tiles of a TIFF, a multiple of 16, so that parts of it can be read by
    /// themselves; 0: strips; 0 to 1024 (default `0`).
    pub fn tiff_tile(self, value: i64) -> Self {
        self.set("tiff_tile", value.into())
    }

    /// Turn the pixels upright instead of carrying the orientation tag.
    pub fn orient(self, value: bool) -> Self {
        self.set("orient", value.into())
    }

    /// Bound of the peak resident memory of the process; a percentage is of what it may use
    /// (default `50%`).
    pub fn memory(self, value: impl Into<Bytes>) -> Self {
        self.set("memory", Into::<Bytes>::into(value).into())
    }

    /// Bound of the device memory; a percentage is of what is free there (default `80%`).
    pub fn vram(self, value: impl Into<Bytes>) -> Self {
        self.set("vram", Into::<Bytes>::into(value).into())
    }

    /// Most worker threads, 0 for all processors this process may use; never changes the
    /// result; 0 to 1024 (default `0`).
    pub fn threads(self, value: i64) -> Self {
        self.set("threads", value.into())
    }

    /// Where nets run; auto is cpu, whose float32 results are exact; one of `auto`, `cpu`,
    /// `gpu`, `gpu:N` (default `auto`).
    pub fn device(self, value: impl Into<Choice>) -> Self {
        self.set("device", Into::<Choice>::into(value).into())
    }

    /// Carry: tiles hand on what the next ones read; halo: each reads its context; whole: one
    /// tile; auto: by cost; one of `auto`, `carry`, `halo`, `whole` (default `auto`).
    pub fn schedule(self, value: impl Into<Choice>) -> Self {
        self.set("schedule", Into::<Choice>::into(value).into())
    }

    /// Core of a tile in input pixels, N or WxH; 0 lets the plan choose (interpolate: the whole
    /// picture).
    pub fn tile(self, value: impl Into<Pixels>) -> Self {
        self.set("tile", Into::<Pixels>::into(value).into())
    }

    /// Pictures no larger than this run whole where the budget allows it.
    pub fn tile_threshold(self, value: impl Into<Pixels>) -> Self {
        self.set("tile_threshold", Into::<Pixels>::into(value).into())
    }

    /// True: any tiled schedule; false: the whole picture at once, still within the budget.
    pub fn enable_tiling(self, value: bool) -> Self {
        self.set("enable_tiling", value.into())
    }

    /// Context read around a tile: exact, a number of input pixels, or auto:EPS, the smallest
    /// whose error, measured on the picture, is less than EPS/255 (the result then says that it
    /// is not exact, and how far off); one of `exact`, `N`, `auto:EPS` (default `exact`).
    pub fn halo(self, value: impl Into<Choice>) -> Self {
        self.set("halo", Into::<Choice>::into(value).into())
    }

    /// Options set together for a kind of work; options given beside it win; one of `manga`,
    /// `4k`, `low-memory`, `fast`, `quality`, `speed`.
    pub fn profile(self, value: impl Into<Choice>) -> Self {
        self.set("profile", Into::<Choice>::into(value).into())
    }

    /// Folder for scratch files (default: TMPDIR, else /var/tmp).
    pub fn scratch(self, value: impl Into<String>) -> Self {
        self.set("scratch", Into::<String>::into(value).into())
    }

    /// Most bytes of scratch files.
    pub fn scratch_limit(self, value: impl Into<Bytes>) -> Self {
        self.set("scratch_limit", Into::<Bytes>::into(value).into())
    }

    /// Refuse inputs of more pixels than this, 0 for no limit (default `0`).
    pub fn max_pixels(self, value: i64) -> Self {
        self.set("max_pixels", value.into())
    }

    /// Replace an existing output.
    pub fn overwrite(self, value: bool) -> Self {
        self.set("overwrite", value.into())
    }
}

impl From<Interpolate> for Job {
    fn from(op: Interpolate) -> Self {
        op.0
    }
}

/// Measure how far two pictures are apart: PSNR, SSIM, largest difference, seams.
#[derive(Clone, Debug)]
pub struct Compare(Job);

impl Compare {
    pub fn new(a: impl Into<Picture>, b: impl Into<Picture>) -> Self {
        Self(Job::new("compare").input(a).input(b))
    }

    fn set(self, name: &str, value: serde_json::Value) -> Self {
        Self(self.0.option(name, value))
    }

    /// Border pixels that are left out on every side (papers leave out as many as the
    /// enlargement); 0 to 1000000 (default `0`).
    pub fn crop(self, value: i64) -> Self {
        self.set("crop", value.into())
    }

    /// Distance of the lines where seams are suspected, N or WxH from the top left (default:
    /// searched for).
    pub fn grid(self, value: impl Into<Pixels>) -> Self {
        self.set("grid", Into::<Pixels>::into(value).into())
    }

    /// Also the mean SSIM of the colours, each measured as luma is.
    pub fn ssim_rgb(self, value: bool) -> Self {
        self.set("ssim_rgb", value.into())
    }

    /// Fail when any sample differs by more than this; 0 to 65536.
    pub fn max_difference(self, value: f64) -> Self {
        self.set("max_difference", value.into())
    }

    /// Fail when the PSNR over all colours is lower than this; 0 to 1000.
    pub fn min_psnr(self, value: f64) -> Self {
        self.set("min_psnr", value.into())
    }

    /// Bound of the peak resident memory of the process; a percentage is of what it may use
    /// (default `50%`).
    pub fn memory(self, value: impl Into<Bytes>) -> Self {
        self.set("memory", Into::<Bytes>::into(value).into())
    }

    /// Bound of the device memory; a percentage is of what is free there (default `80%`).
    pub fn vram(self, value: impl Into<Bytes>) -> Self {
        self.set("vram", Into::<Bytes>::into(value).into())
    }

    /// Most worker threads, 0 for all processors this process may use; never changes the
    /// result; 0 to 1024 (default `0`).
    pub fn threads(self, value: i64) -> Self {
        self.set("threads", value.into())
    }

    /// Where nets run; auto is cpu, whose float32 results are exact; one of `auto`, `cpu`,
    /// `gpu`, `gpu:N` (default `auto`).
    pub fn device(self, value: impl Into<Choice>) -> Self {
        self.set("device", Into::<Choice>::into(value).into())
    }

    /// Carry: tiles hand on what the next ones read; halo: each reads its context; whole: one
    /// tile; auto: by cost; one of `auto`, `carry`, `halo`, `whole` (default `auto`).
    pub fn schedule(self, value: impl Into<Choice>) -> Self {
        self.set("schedule", Into::<Choice>::into(value).into())
    }

    /// Core of a tile in input pixels, N or WxH; 0 lets the plan choose (interpolate: the whole
    /// picture).
    pub fn tile(self, value: impl Into<Pixels>) -> Self {
        self.set("tile", Into::<Pixels>::into(value).into())
    }

    /// Pictures no larger than this run whole where the budget allows it.
    pub fn tile_threshold(self, value: impl Into<Pixels>) -> Self {
        self.set("tile_threshold", Into::<Pixels>::into(value).into())
    }

    /// True: any tiled schedule; false: the whole picture at once, still within the budget.
    pub fn enable_tiling(self, value: bool) -> Self {
        self.set("enable_tiling", value.into())
    }

    /// Context read around a tile: exact, a number of input pixels, or auto:EPS, the smallest
    /// whose error, measured on the picture, is less than EPS/255 (the result then says that it
    /// is not exact, and how far off); one of `exact`, `N`, `auto:EPS` (default `exact`).
    pub fn halo(self, value: impl Into<Choice>) -> Self {
        self.set("halo", Into::<Choice>::into(value).into())
    }

    /// Options set together for a kind of work; options given beside it win; one of `manga`,
    /// `4k`, `low-memory`, `fast`, `quality`, `speed`.
    pub fn profile(self, value: impl Into<Choice>) -> Self {
        self.set("profile", Into::<Choice>::into(value).into())
    }

    /// Folder for scratch files (default: TMPDIR, else /var/tmp).
    pub fn scratch(self, value: impl Into<String>) -> Self {
        self.set("scratch", Into::<String>::into(value).into())
    }

    /// Most bytes of scratch files.
    pub fn scratch_limit(self, value: impl Into<Bytes>) -> Self {
        self.set("scratch_limit", Into::<Bytes>::into(value).into())
    }

    /// Refuse inputs of more pixels than this, 0 for no limit (default `0`).
    pub fn max_pixels(self, value: i64) -> Self {
        self.set("max_pixels", value.into())
    }

    /// Replace an existing output.
    pub fn overwrite(self, value: bool) -> Self {
        self.set("overwrite", value.into())
    }
}

impl From<Compare> for Job {
    fn from(op: Compare) -> Self {
        op.0
    }
}

/// Find the field that lays one picture over another.
#[derive(Clone, Debug)]
pub struct Register(Job);

impl Register {
    pub fn new(fixed: impl Into<Picture>, moving: impl Into<Picture>) -> Self {
        Self(Job::new("register").input(fixed).input(moving))
    }

    fn set(self, name: &str, value: serde_json::Value) -> Self {
        Self(self.0.option(name, value))
    }

    /// Where the field is written: maps points of the fixed picture to points of the moving
    /// one, full-resolution pixels; ITK .tfm, elastix .txt, or displacements as .mhd or .nrrd.
    pub fn field(self, value: impl Into<String>) -> Self {
        self.set("field", Into::<String>::into(value).into())
    }

    /// Where the moving picture is written, laid over the fixed one: what warp does with the
    /// field.
    pub fn warped(self, value: impl Into<String>) -> Self {
        self.set("warped", Into::<String>::into(value).into())
    }

    /// True: that has the size of the fixed picture; false: the registration size (default
    /// `true`).
    pub fn keep_full_resolution(self, value: bool) -> Self {
        self.set("keep_full_resolution", value.into())
    }

    /// Displacements are written for every N-th pixel; 1 to 4096 (default `1`).
    pub fn displacement_step(self, value: i64) -> Self {
        self.set("displacement_step", value.into())
    }

    /// First map: a field file, or landmarks as .csv; without it turn, scale and shift are
    /// searched for.
    pub fn init(self, value: impl Into<String>) -> Self {
        self.set("init", Into::<String>::into(value).into())
    }

    /// Picture as large as FIXED: what is darker there than a half does not count.
    pub fn mask_fixed(self, value: impl Into<String>) -> Self {
        self.set("mask_fixed", Into::<String>::into(value).into())
    }

    /// The same for MOVING.
    pub fn mask_moving(self, value: impl Into<String>) -> Self {
        self.set("mask_moving", Into::<String>::into(value).into())
    }

    /// What may differ between the pictures: turn, scale and shift; any affine map; or local
    /// deformation besides; one of `similarity`, `affine`, `lattice` (default `lattice`).
    pub fn transform(self, value: impl Into<Choice>) -> Self {
        self.set("transform", Into::<Choice>::into(value).into())
    }

    /// Distance of the lattice's control points, pixels of the fixed picture (default: 64
    /// pixels of the registration size); 16 to 65536.
    pub fn spacing(self, value: f64) -> Self {
        self.set("spacing", value.into())
    }

    /// Measure on a pyramid level of at most N pixels; auto: full resolution; one of `N`,
    /// `auto` (default `auto`).
    pub fn max_registration_pixels(self, value: impl Into<Choice>) -> Self {
        self.set("max_registration_pixels", Into::<Choice>::into(value).into())
    }

    /// Measure on a pyramid level of at most this size, WxH (default, or auto: full
    /// resolution).
    pub fn registration_size(self, value: impl Into<Pixels>) -> Self {
        self.set("registration_size", Into::<Pixels>::into(value).into())
    }

    /// Where the budget cannot hold that, measure on the largest level that it holds, and say
    /// so.
    pub fn allow_downsampling(self, value: bool) -> Self {
        self.set("allow_downsampling", value.into())
    }

    /// A page that shows the field, its error and pieces of both pictures laid over each other:
    /// one .html file, nothing beside it.
    pub fn report(self, value: impl Into<String>) -> Self {
        self.set("report", Into::<String>::into(value).into())
    }

    /// Takes one picture, registers it with itself warped by a lattice that is known, and tells
    /// the true error.
    pub fn selftest(self, value: bool) -> Self {
        self.set("selftest", value.into())
    }

    /// Measure windows of the moving picture, too, laid over the fixed one by the field's
    /// inverse, and tell their error.
    pub fn check_backward(self, value: bool) -> Self {
        self.set("check_backward", value.into())
    }

    /// Take the best map even if another one fits as well, as in a pattern that repeats.
    pub fn allow_ambiguous(self, value: bool) -> Self {
        self.set("allow_ambiguous", value.into())
    }

    /// Bound of the peak resident memory of the process; a percentage is of what it may use
    /// (default `50%`).
    pub fn memory(self, value: impl Into<Bytes>) -> Self {
        self.set("memory", Into::<Bytes>::into(value).into())
    }

    /// Bound of the device memory; a percentage is of what is free there (default `80%`).
    pub fn vram(self, value: impl Into<Bytes>) -> Self {
        self.set("vram", Into::<Bytes>::into(value).into())
    }

    /// Most worker threads, 0 for all processors this process may use; never changes the
    /// result; 0 to 1024 (default `0`).
    pub fn threads(self, value: i64) -> Self {
        self.set("threads", value.into())
    }

    /// Where nets run; auto is cpu, whose float32 results are exact; one of `auto`, `cpu`,
    /// `gpu`, `gpu:N` (default `auto`).
    pub fn device(self, value: impl Into<Choice>) -> Self {
        self.set("device", Into::<Choice>::into(value).into())
    }

    /// Carry: tiles hand on what the next ones read; halo: each reads its context; whole: one
    /// tile; auto: by cost; one of `auto`, `carry`, `halo`, `whole` (default `auto`).
    pub fn schedule(self, value: impl Into<Choice>) -> Self {
        self.set("schedule", Into::<Choice>::into(value).into())
    }

    /// Core of a tile in input pixels, N or WxH; 0 lets the plan choose (interpolate: the whole
    /// picture).
    pub fn tile(self, value: impl Into<Pixels>) -> Self {
        self.set("tile", Into::<Pixels>::into(value).into())
    }

    /// Pictures no larger than this run whole where the budget allows it.
    pub fn tile_threshold(self, value: impl Into<Pixels>) -> Self {
        self.set("tile_threshold", Into::<Pixels>::into(value).into())
    }

    /// True: any tiled schedule; false: the whole picture at once, still within the budget.
    pub fn enable_tiling(self, value: bool) -> Self {
        self.set("enable_tiling", value.into())
    }

    /// Context read around a tile: exact, a number of input pixels, or auto:EPS, the smallest
    /// whose error, measured on the picture, is less than EPS/255 (the result then says that it
    /// is not exact, and how far off); one of `exact`, `N`, `auto:EPS` (default `exact`).
    pub fn halo(self, value: impl Into<Choice>) -> Self {
        self.set("halo", Into::<Choice>::into(value).into())
    }

    /// Options set together for a kind of work; options given beside it win; one of `manga`,
    /// `4k`, `low-memory`, `fast`, `quality`, `speed`.
    pub fn profile(self, value: impl Into<Choice>) -> Self {
        self.set("profile", Into::<Choice>::into(value).into())
    }

    /// Folder for scratch files (default: TMPDIR, else /var/tmp).
    pub fn scratch(self, value: impl Into<String>) -> Self {
        self.set("scratch", Into::<String>::into(value).into())
    }

    /// Most bytes of scratch files.
    pub fn scratch_limit(self, value: impl Into<Bytes>) -> Self {
        self.set("scratch_limit", Into::<Bytes>::into(value).into())
    }

    /// Refuse inputs of more pixels than this, 0 for no limit (default `0`).
    pub fn max_pixels(self, value: i64) -> Self {
        self.set("max_pixels", value.into())
    }

    /// Replace an existing output.
    pub fn overwrite(self, value: bool) -> Self {
        self.set("overwrite", value.into())
    }
}

impl From<Register> for Job {
    fn from(op: Register) -> Self {
        op.0
    }
}

/// Apply a field to a picture: deformation, affine map, displacements.
#[derive(Clone, Debug)]
pub struct Warp(Job);

impl Warp {
    pub fn new(input: impl Into<Picture>, output: impl Into<Output>) -> Self {
        Self(Job::new("warp").input(input).output(output))
    }

    fn set(self, name: &str, value: serde_json::Value) -> Self {
        Self(self.0.option(name, value))
    }

    /// What to apply: maps points of the result to points of the input; ITK .tfm, elastix .txt,
    /// displacements as .mhd, .nrrd, .npy, .nii or a TIFF of two float bands.
    pub fn field(self, value: impl Into<String>) -> Self {
        self.set("field", Into::<String>::into(value).into())
    }

    /// Picture whose size the result gets; only its header is read.
    pub fn like(self, value: impl Into<String>) -> Self {
        self.set("like", Into::<String>::into(value).into())
    }

    /// Size of the result (default: that of --like, else the one that the field tells, else the
    /// input's).
    pub fn size(self, value: impl Into<Pixels>) -> Self {
        self.set("size", Into::<Pixels>::into(value).into())
    }

    /// The result is shrunk at the end to this size, WxH (default: it stays as it is).
    pub fn fit(self, value: impl Into<Pixels>) -> Self {
        self.set("fit", Into::<Pixels>::into(value).into())
    }

    /// Samples between pixels: bicubic is Catmull-Rom (a = -0.5); nearest never mixes values,
    /// for labels; one of `bicubic`, `lanczos3`, `bilinear`, `nearest` (default `bicubic`).
    pub fn interpolate(self, value: impl Into<Choice>) -> Self {
        self.set("interpolate", Into::<Choice>::into(value).into())
    }

    /// What lies beyond the input: one colour, the picture mirrored at its border pixels,
    /// nothing (the result gets alpha), or its border pixels; one of `background`, `mirror`,
    /// `transparent`, `edge` (default `background`).
    pub fn outside(self, value: impl Into<Choice>) -> Self {
        self.set("outside", Into::<Choice>::into(value).into())
    }

    /// Samples of that colour on the input's scale, VALUE or VALUE,VALUE,... for each band
    /// (default: 0, transparent where the input has alpha).
    pub fn background(self, value: impl Into<String>) -> Self {
        self.set("background", Into::<String>::into(value).into())
    }

    /// Apply a field that folds over itself.
    pub fn allow_folds(self, value: bool) -> Self {
        self.set("allow_folds", value.into())
    }

    /// Results of at most N pixels are made in one tile where the budget allows it, larger ones
    /// never; auto: the plan decides; one of `N`, `auto` (default `auto`).
    pub fn max_warp_pixels(self, value: impl Into<Choice>) -> Self {
        self.set("max_warp_pixels", Into::<Choice>::into(value).into())
    }

    /// The whole result in one tile, still within the budget; refused when that cannot hold it.
    pub fn no_tiled_warping(self, value: bool) -> Self {
        self.set("no_tiled_warping", value.into())
    }

    /// Container of the output (default: from its name); one of `png`, `jpeg`, `webp`, `tiff`,
    /// `gif`, `jxl`, `avif`, `heif`, `ppm`.
    pub fn format(self, value: impl Into<Choice>) -> Self {
        self.set("format", Into::<Choice>::into(value).into())
    }

    /// Of lossy containers (default: JPEG 92, WebP 90, AVIF 70, JPEG XL 90); 1 to 100.
    pub fn quality(self, value: i64) -> Self {
        self.set("quality", value.into())
    }

    /// Lossless WebP, AVIF or JPEG XL.
    pub fn lossless(self, value: bool) -> Self {
        self.set("lossless", value.into())
    }

    /// Effort of PNG compression, -1 for the default; -1 to 9 (default `-1`).
    pub fn compression(self, value: i64) -> Self {
        self.set("compression", value.into())
    }

    /// Compression of TIFF; auto: LZW for 8-bit results of more than 64 megapixels, where
    /// deflate would be waited for, else deflate; one of `auto`, `none`, `lzw`, `deflate`,
    /// `zstd` (default `auto`).
    pub fn tiff_compression(self, value: impl Into<Choice>) -> Self {
        self.set("tiff_compression", Into::<Choice>::into(value).into())
    }

    /// Side of the tiles of a TIFF, a multiple of 16, so that parts of it can be read by
    /// themselves; 0: strips; 0 to 1024 (default `0`).
    pub fn tiff_tile(self, value: i64) -> Self {
        self.set("tiff_tile", value.into())
    }

    /// Turn the pixels upright first; else the field is of the pixels as stored, and the
    /// orientation tag is carried.
    pub fn orient(self, value: bool) -> Self {
        self.set("orient", value.into())
    }

    /// Bound of the peak resident memory of the process; a percentage is of what it may use
    /// (default `50%`).
    pub fn memory(self, value: impl Into<Bytes>) -> Self {
        self.set("memory", Into::<Bytes>::into(value).into())
    }

    /// Bound of the device memory; a percentage is of what is free there (default `80%`).
    pub fn vram(self, value: impl Into<Bytes>) -> Self {
        self.set("vram", Into::<Bytes>::into(value).into())
    }

    /// Most worker threads, 0 for all processors this process may use; never changes the
    /// result; 0 to 1024 (default `0`).
    pub fn threads(self, value: i64) -> Self {
        self.set("threads", value.into())
    }

    /// Where nets run; auto is cpu, whose float32 results are exact; one of `auto`, `cpu`,
    /// `gpu`, `gpu:N` (default `auto`).
    pub fn device(self, value: impl Into<Choice>) -> Self {
        self.set("device", Into::<Choice>::into(value).into())
    }

    /// Carry: tiles hand on what the next ones read; halo: each reads its context; whole: one
    /// tile; auto: by cost; one of `auto`, `carry`, `halo`, `whole` (default `auto`).
    pub fn schedule(self, value: impl Into<Choice>) -> Self {
        self.set("schedule", Into::<Choice>::into(value).into())
    }

    /// Core of a tile in input pixels, N or WxH; 0 lets the plan choose (interpolate: the whole
    /// picture).
    pub fn tile(self, value: impl Into<Pixels>) -> Self {
        self.set("tile", Into::<Pixels>::into(value).into())
    }

    /// Pictures no larger than this run whole where the budget allows it.
    pub fn tile_threshold(self, value: impl Into<Pixels>) -> Self {
        self.set("tile_threshold", Into::<Pixels>::into(value).into())
    }

    /// True: any tiled schedule; false: the whole picture at once, still within the budget.
    pub fn enable_tiling(self, value: bool) -> Self {
        self.set("enable_tiling", value.into())
    }

    /// Context read around a tile: exact, a number of input pixels, or auto:EPS, the smallest
    /// whose error, measured on the picture, is less than EPS/255 (the result then says that it
    /// is not exact, and how far off); one of `exact`, `N`, `auto:EPS` (default `exact`).
    pub fn halo(self, value: impl Into<Choice>) -> Self {
        self.set("halo", Into::<Choice>::into(value).into())
    }

    /// Options set together for a kind of work; options given beside it win; one of `manga`,
    /// `4k`, `low-memory`, `fast`, `quality`, `speed`.
    pub fn profile(self, value: impl Into<Choice>) -> Self {
        self.set("profile", Into::<Choice>::into(value).into())
    }

    /// Folder for scratch files (default: TMPDIR, else /var/tmp).
    pub fn scratch(self, value: impl Into<String>) -> Self {
        self.set("scratch", Into::<String>::into(value).into())
    }

    /// Most bytes of scratch files.
    pub fn scratch_limit(self, value: impl Into<Bytes>) -> Self {
        self.set("scratch_limit", Into::<Bytes>::into(value).into())
    }

    /// Refuse inputs of more pixels than this, 0 for no limit (default `0`).
    pub fn max_pixels(self, value: i64) -> Self {
        self.set("max_pixels", value.into())
    }

    /// Replace an existing output.
    pub fn overwrite(self, value: bool) -> Self {
        self.set("overwrite", value.into())
    }
}

impl From<Warp> for Job {
    fn from(op: Warp) -> Self {
        op.0
    }
}
