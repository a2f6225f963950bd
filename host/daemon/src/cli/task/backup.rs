//! `backup` and `restore`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt as _;
use mail::Clock as _;
use serde_json::json;
use store::Store;

use super::json_text;
use super::progress::Progress;
use crate::backup;
use crate::cli::call::Call;
use crate::cli::client::Gateway;
use crate::cli::error::ClientError;
use crate::clock::SystemClock;

/// Writes a backup: through the gateway while one runs, else straight from the data directory.
pub async fn make(directory: &Path, file: &Path, json: bool) -> Result<String, ClientError> {
    let gateway = match Gateway::find(directory) {
        Err(ClientError::NotRunning(_)) if directory.join(store::STORE_FILE).exists() => None,
        found => Some(found?),
    };
    let failed = failed(file);
    let mut target =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(&failed)?;
    let written = match &gateway {
        Some(gateway) => from_gateway(gateway, &mut target, file).await,
        None => from_directory(directory, &mut target, file).await,
    };
    let written = written.and_then(|size| target.sync_all().map(|()| size).map_err(&failed));
    match written {
        Err(error) => {
            // Half a backup would only be mistaken for one.
            let _ = std::fs::remove_file(file);
            Err(error)
        }
        Ok(size) if json => json_text(&json!({ "file": file, "size": size })),
        Ok(size) => Ok(format!(
            "{} written, {} kB. It holds secret keys and all mail: keep it where nobody else reads it.\n",
            file.display(),
            size / 1000
        )),
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> ClientError {
    move |error| ClientError::Input(format!("{} cannot be written: {error}", path.display()))
}

async fn from_gateway(gateway: &Gateway, target: &mut File, path: &Path) -> Result<u64, ClientError> {
    let mut progress = Progress::of("writing the backup");
    let (mut written, mut expected) = (0_u64, None);
    let mut exchange = gateway.open().await?;
    exchange
        .stream(&Call::backup(), None, |piece, length| {
            target.write_all(piece).map_err(failed(path))?;
            written += piece.len() as u64;
            expected = length;
            progress.at(written, length.unwrap_or(written));
            Ok(())
        })
        .await?;
    if expected.is_some_and(|expected| expected != written) {
        return Err(ClientError::Broken("the backup is not whole".to_owned()));
    }
    Ok(written)
}

async fn from_directory(directory: &Path, target: &mut File, path: &Path) -> Result<u64, ClientError> {
    let input = |error: &dyn std::fmt::Display| ClientError::Input(error.to_string());
    let clock = Arc::new(SystemClock::new());
    let options = store::OpenOptions::new(Arc::clone(&clock) as Arc<dyn mail::Clock>);
    let store = Store::open(directory, options).map_err(|error| input(&error))?;
    let mut progress = Progress::of("copying the store");
    let watch = move |at: store::Progress| {
        progress.at(at.rows, at.of);
        true
    };
    let archive = backup::archive(&store, directory, clock.wall(), watch).await;
    let archive = archive.map_err(|error| input(&error))?;
    let size = archive.size;
    let mut pieces = archive.pieces();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| input(&error))?;
        target.write_all(&piece).map_err(failed(path))?;
    }
    Ok(size)
}

/// Makes a data directory of a backup, and opens its store once to see that it is good.
pub async fn restore(file: &Path, directory: &Path, json: bool) -> Result<String, ClientError> {
    let (from, to) = (file.to_owned(), directory.to_owned());
    let restored = tokio::task::spawn_blocking(move || {
        let mut progress = Progress::of("restoring");
        backup::restore(&from, &to, &mut |done, of| progress.at(done, of))
            .map_err(|error| error.to_string())?;
        let store = Store::open(&to, store::OpenOptions::new(Arc::new(SystemClock::new())));
        let store = store.map_err(|error| error.to_string())?;
        store.close();
        Ok::<_, String>(())
    });
    restored.await.unwrap_or_else(|error| Err(error.to_string())).map_err(ClientError::Input)?;
    if json {
        return json_text(&json!({ "directory": directory }));
    }
    Ok(format!(
        "restored. Start it with: toxmail up --data {}\nDo not start the gateway it was made of any more: one identity cannot be in two places.\n",
        directory.display()
    ))
}
