//! envctl: typed environments for programs.

pub mod diagnostic;
pub mod document;
pub mod name;
pub mod secret;
pub mod source;
