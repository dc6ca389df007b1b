//! envctl: typed environments for programs.

pub mod diagnostic;
pub mod dotenv;
pub mod secret;
pub mod source;
