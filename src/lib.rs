//! envctl: typed environments for programs.

pub mod diagnostic;
pub mod kind;
pub mod name;
pub mod secret;
pub mod source;
