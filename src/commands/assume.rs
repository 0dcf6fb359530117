//! What is true although the files do not say so.

use clap::Args;

use crate::{assumption::Assumption, language::Namespace, model::ExistingVariable};

/// What is true although the files do not say so.
#[derive(Args, Clone, Debug)]
pub(super) struct AssumeArgs {
    /// Variable, host or object outside of the files that exists: first/container, a/b=v@shop,
    /// /ready (a variable without a slash in its name), 'workers/*>=3', redis.example.com, job:migrate,
    /// certificates.cert-manager.io:web=Ready
    #[arg(long, value_name = "WHAT")]
    pub(super) assume: Vec<Assumption>,
}

impl AssumeArgs {
    /// Returns the variables that exist. `default` is the namespace of those without one.
    pub(super) fn variables(&self, default: &Namespace) -> impl Iterator<Item = ExistingVariable> {
        let assumptions = self.assume.iter();
        assumptions.flat_map(|it| it.variables(default))
    }
}
