//! envctl: typed environments for programs.

pub mod diagnostic;
pub mod render;
pub mod secret;
pub mod source;
