//! The arguments of the commands that judge files by the settings of injection.

use clap::Args;

use super::{
    cluster::ClusterArgs,
    files::Files,
    opening::{Frame, Opening},
    settings::InjectionArgs,
};
use crate::manifests::{Input, ManifestError, Manifests};

/// Files, and the settings that they are judged by.
#[derive(Args, Debug)]
pub(super) struct FileArgs {
    #[command(flatten)]
    files: Files,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    injection: InjectionArgs,
}

impl FileArgs {
    pub(super) fn inputs(&self) -> &[Input] {
        &self.files.inputs
    }

    pub(super) fn frame(&self) -> anyhow::Result<Frame> {
        Frame::of_files(&self.cluster, &self.injection)
    }

    /// Opens what can be read, and returns what is wrong with the rest.
    pub(super) fn open_rest(&self) -> anyhow::Result<(Opening, Vec<ManifestError>)> {
        let (manifests, errors) = Manifests::read_rest(self.inputs());
        Ok((Opening::of_files(manifests, self.frame()?), errors))
    }

    pub(super) fn open(&self) -> anyhow::Result<Opening> {
        Opening::files(self.inputs(), &self.cluster, &self.injection)
    }
}
