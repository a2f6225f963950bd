//! What the command line leaves to the program: running a gateway, and what needs the sandbox or the store.

mod backup;
mod bench;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cli::args::{Common, Demo, Up};
use cli::{ClientError, Printed, Program, ToComponent};

use crate::compiler::compiler;
use crate::{demo, up};

/// This program.
pub struct Toxmail;

impl Program for Toxmail {
    const TO_COMPONENT: ToComponent = |bytes| Ok(sandbox::to_component(&compiler()?, bytes)?.into_owned());

    async fn up(&self, up: Up, common: &Common) -> ExitCode {
        up::run(up, common).await
    }

    async fn demo(&self, demo: Demo, common: &Common) -> ExitCode {
        demo::run(demo.once, common.json).await
    }

    fn test_component(
        &self,
        file: &Path,
        cases: &[PathBuf],
        as_json: bool,
    ) -> Result<(String, ExitCode), ClientError> {
        bench::test(file, cases, as_json)
    }

    async fn backup(&self, directory: &Path, file: &Path, as_json: bool) -> Printed {
        backup::make(directory, file, as_json).await
    }

    async fn restore(&self, file: &Path, directory: &Path, as_json: bool) -> Printed {
        backup::restore(file, directory, as_json).await
    }
}
