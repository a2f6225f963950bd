//! Compiled components on disk. Loading one is running machine code, so a file is loaded only if this gateway wrote it: it carries a
//! BLAKE2b code made with a key that only this gateway has, over the component's digest, the engine's properties and every byte.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use blake2::Blake2bMac;
use blake2::digest::consts::U32;
use blake2::digest::{KeyInit, Mac};
use mail::ComponentDigest;
use wasmtime::component::Component;

use crate::library::compile::Compatibility;
use crate::limits::COMPILED_BYTES;

type Code = Blake2bMac<U32>;

/// Bytes of the code at the beginning of a file.
const CODE_BYTES: usize = 32;

/// Bytes of the key: as many as BLAKE2b takes.
const KEY_BYTES: usize = 64;

/// How names of files begin that are not whole yet.
const NEW: &str = ".new-";

/// The directory with compiled components, and the key that vouches for them.
#[derive(Debug)]
pub struct Cache {
    directory: PathBuf,
    key: [u8; KEY_BYTES],
}

/// Bytes that this gateway wrote itself: the bytes of `file` from `begin` on. They are not copied,
/// because an interpreter has a hundred million of them.
struct Authentic {
    file: Vec<u8>,
    begin: usize,
}

impl Cache {
    /// Opens the cache in a directory that is the user's alone. The key is made at first use and kept beside the files: who can read it can
    /// also change the gateway.
    ///
    /// # Errors
    /// If the key cannot be read or made.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join("cache.key");
        let key = match read_private(&path, KEY_BYTES as u64) {
            Ok(bytes) => <[u8; KEY_BYTES]>::try_from(bytes).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let key = match key {
            Some(key) => key,
            None => {
                let mut key = [0; KEY_BYTES];
                getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
                write_private(&path, &[&key])?;
                key
            }
        };
        Ok(Self { directory: directory.to_owned(), key })
    }

    /// The component, if an authentic compiled form for this engine is there. A file that is not authentic is removed.
    pub fn load(&self, engine: &wasmtime::Engine, digest: ComponentDigest) -> Option<Component> {
        let compatibility = Compatibility::of(engine);
        let path = self.path(digest, compatibility);
        let loaded = self.read(&path, digest, compatibility).and_then(|authentic| {
            deserialize(engine, &authentic).map_err(|error| io::Error::other(format!("{error:#}")))
        });
        match loaded {
            Ok(component) => Some(component),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!("the compiled form of component {digest} is not used: {error}");
                // If it cannot be removed it is replaced, or refused again.
                let _ = fs::remove_file(&path);
                None
            }
        }
    }

    /// Keeps a compiled form that was just made, and loads it.
    ///
    /// # Errors
    /// If the engine does not take it. That it could not be kept is only logged: the next start compiles again.
    pub fn keep(
        &self,
        engine: &wasmtime::Engine,
        digest: ComponentDigest,
        compiled: Vec<u8>,
    ) -> wasmtime::Result<Component> {
        let compatibility = Compatibility::of(engine);
        let code = self.code(digest, compatibility, &compiled).finalize().into_bytes();
        if let Err(error) = write_private(&self.path(digest, compatibility), &[&code, &compiled]) {
            tracing::warn!("the compiled form of component {digest} could not be kept: {error}");
        }
        load_fresh(engine, compiled)
    }

    /// Removes all compiled forms of a component.
    pub fn forget(&self, digest: ComponentDigest) -> io::Result<()> {
        let prefix = format!("{digest}-");
        for file in fs::read_dir(&self.directory)? {
            let file = file?;
            if file.file_name().to_string_lossy().starts_with(&prefix) {
                fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }

    /// Removes what nothing uses any more: compiled forms of components that are gone, or for another engine (a newer program brings one), and what a
    /// crash left half written. The number of files removed.
    pub fn sweep(
        &self,
        engine: &wasmtime::Engine,
        known: impl Fn(&ComponentDigest) -> bool,
    ) -> io::Result<usize> {
        let compatibility = Compatibility::of(engine);
        let is_used = |name: &str| {
            let digest = name.split_once('-').and_then(|(digest, _)| digest.parse().ok());
            digest.is_some_and(|digest| {
                known(&digest) && self.path(digest, compatibility).file_name() == Some(name.as_ref())
            })
        };
        let mut removed = 0;
        for file in fs::read_dir(&self.directory)? {
            let file = file?;
            let name = file.file_name();
            let Some(name) = name.to_str() else { continue };
            let is_ours = name.ends_with(".compiled") || name.starts_with(NEW);
            if is_ours && !is_used(name) {
                fs::remove_file(file.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn path(&self, digest: ComponentDigest, compatibility: Compatibility) -> PathBuf {
        let [a, b, c, d, ..] = compatibility.0;
        self.directory.join(format!("{digest}-{}.compiled", hex::encode([a, b, c, d])))
    }

    fn read(
        &self,
        path: &Path,
        digest: ComponentDigest,
        compatibility: Compatibility,
    ) -> io::Result<Authentic> {
        let file = read_private(path, COMPILED_BYTES + CODE_BYTES as u64)?;
        let Some((code, compiled)) = file.split_at_checked(CODE_BYTES) else {
            return Err(io::Error::other("it is cut short"));
        };
        self.code(digest, compatibility, compiled)
            .verify_slice(code)
            .map_err(|_| io::Error::other("it was changed, or written by somebody else"))?;
        Ok(Authentic { file, begin: CODE_BYTES })
    }

    fn code(&self, digest: ComponentDigest, compatibility: Compatibility, compiled: &[u8]) -> Code {
        <Code as KeyInit>::new(&self.key.into())
            .chain_update(digest.0)
            .chain_update(compatibility.0)
            .chain_update(compiled)
    }
}

/// A compiled form that this process or its child has just made.
pub(crate) fn load_fresh(engine: &wasmtime::Engine, compiled: Vec<u8>) -> wasmtime::Result<Component> {
    deserialize(engine, &Authentic { file: compiled, begin: 0 })
}

/// A component of another engine for this one. Both have the same compiled form, or this one refuses it.
pub(crate) fn load_again(engine: &wasmtime::Engine, component: &Component) -> wasmtime::Result<Component> {
    deserialize(engine, &Authentic { file: component.serialize()?, begin: 0 })
}

/// The one unsafe function of this crate.
#[allow(unsafe_code, reason = "loading machine code; the argument's type says that it is our own")]
fn deserialize(engine: &wasmtime::Engine, compiled: &Authentic) -> wasmtime::Result<Component> {
    // SAFETY: the bytes have to be what `precompile_component` of this version of wasmtime made, unchanged. An `Authentic` is made in three
    // places: by `load_fresh`, from what this process or its child has just compiled, by `load_again`, from a component of this process, and
    // by `Cache::read`, from a file whose keyed code covers every byte. Uploaded compiled forms never get here (`check` refuses them). wasmtime itself checks version and configuration.
    unsafe { Component::deserialize(engine, compiled.file.get(compiled.begin..).unwrap_or_default()) }
}

/// Reads a regular file that belongs to this user and that nobody else can write or read.
pub fn read_private(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(no_follow).open(path)?;
    let metadata = file.metadata()?;
    let owned = metadata.uid() == rustix::process::geteuid().as_raw();
    if !metadata.is_file() || !owned || metadata.mode() & 0o077 != 0 {
        let path = path.display();
        return Err(io::Error::other(format!(
            "{path} is not this user's alone: remove it, or `chmod 600` it"
        )));
    }
    if metadata.len() > most {
        return Err(io::Error::other(format!("{} is larger than it can be: remove it", path.display())));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a file of mode 0600 as a whole: a crash leaves the old one or the new one.
pub fn write_private(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(NEW).tempfile_in(directory)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}
