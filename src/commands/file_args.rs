//! The arguments of the commands that judge files by the settings of injection.

use clap::Args;

use super::{
    cluster::ClusterArgs,
    files::Files,
    opening::{Frame, Opening},
    settings::InjectionArgs,
};
use crate::manifests::Input;

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

    pub(super) fn open(&self) -> anyhow::Result<Opening> {
        Opening::files(self.inputs(), &self.cluster, &self.injection)
    }
}
