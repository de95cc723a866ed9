//! The library on a running kernel, by the blocking client and by the one for tokio.

#[allow(clippy::duplicate_mod, reason = "both clients run the same tests")]
mod blocking;
#[allow(clippy::duplicate_mod, reason = "both clients run the same tests")]
mod tokio;
