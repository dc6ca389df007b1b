//! envctl: typed environments for programs.
//!
//! A small compiler with a store at one stage. The files of a project are read into a [`model`]; [`plan`] decides, without
//! opening anything, what one program gets; [`resolve`] opens and fetches; [`validate`] checks every value; then the set is
//! handed to a process ([`inject`]) or written as a file ([`render`]). Each stage is a type that only the one before makes.
//!
//! | layer | modules | may |
//! |---|---|---|
//! | 0 words | [`secret`] [`source`] [`diagnostic`] | depend on nothing above |
//! | 1 language | [`document`] [`kind`] [`name`] [`placeholder`] [`recipe`] [`recipient`] [`age_file`] [`schema`] [`reference`](mod@reference) [`config`] [`template`] [`environment`] [`model`] [`lint`] [`plan`] [`validate`] [`render`] [`dotenv`] [`infer`] [`scaffold`] [`view`] [`sealed`] [`assign`] [`outline`] [`patch`] | compute; no file, process, network or clock |
//! | 2 world | [`process`] [`store`] [`project`] [`backend`] [`generate`] [`identity`] [`resolve`] [`inject`] [`editor`] [`unseal`] [`update`] [`git`] [`merging`] | touch the machine; never print |
//! | 3 edge | [`terminal`] [`person`] [`context`] [`cli`] | print |

pub mod age_file;
pub mod assign;
pub mod backend;
pub mod cli;
pub mod config;
pub mod context;
pub mod diagnostic;
pub mod document;
pub mod dotenv;
pub mod editor;
pub mod environment;
pub mod generate;
pub mod git;
pub mod identity;
pub mod infer;
pub mod inject;
pub mod kind;
pub mod lint;
pub mod merging;
pub mod model;
pub mod name;
pub mod outline;
pub mod patch;
pub mod person;
pub mod placeholder;
pub mod plan;
pub mod process;
pub mod project;
pub mod recipe;
pub mod recipient;
pub mod reference;
pub mod render;
pub mod resolve;
pub mod scaffold;
pub mod schema;
pub mod sealed;
pub mod secret;
pub mod source;
pub mod store;
pub mod template;
pub mod terminal;
pub mod unseal;
pub mod update;
pub mod validate;
pub mod view;
