//! The environment envctl was started with, as a backend: read only where a reference names it.

use super::{Backend, BackendError, Fetched, Want};
use crate::process::EnvSnapshot;
use crate::reference::Place;
use crate::secret::Secret;

/// The backend `env`.
pub(super) struct Env<'e>(pub(super) &'e EnvSnapshot);

impl Backend for Env<'_> {
    fn get(&mut self, wants: &[Want<'_>]) -> Vec<Result<Fetched, BackendError>> {
        let one = |want: &Want<'_>| {
            let Place::Env { name } = want.place else {
                return Ok(Fetched::Nothing);
            };
            let value = self.0.get(name).map(|value| Secret::new(value.as_encoded_bytes().to_vec()));
            Ok(value.map_or(Fetched::Nothing, Fetched::Value))
        };
        wants.iter().map(one).collect()
    }
}
