//! The components this gateway has: built-in and added ones, by SHA-256, with their compiled forms.

pub(crate) mod cache;
pub(crate) mod check;
pub(crate) mod compile;
pub(crate) mod error;
pub(crate) mod fitting;
pub(crate) mod trust;
pub(crate) mod wrap;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mail::{ComponentDigest, Wall};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use crate::awaited::Awaited;
use crate::engine::Engine;
use crate::engine::version::{Prepared, Version, compiled_bytes};
use crate::library::cache::{Cache, read_private, write_private};
use crate::library::check::Refused;
use crate::library::compile::{CompileError, CompileMode, compile};
use crate::library::error::LibraryError;
use crate::library::trust::Trust;
use crate::library::wrap::to_component;
use crate::limits::{COMPONENT_BYTES, COMPONENTS, Limits, NAME_BYTES};
use crate::questions::validate::one_line;
use crate::slot::Slot;
use crate::trials::bench::Bench;

/// What is known of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentInfo {
    /// SHA-256 of the file: its version.
    pub sha256: ComponentDigest,
    /// The name it was added with. A newer component of the same name takes the name over.
    pub name: String,
    /// Bytes of the file.
    pub size: u64,
    /// The slots it fits.
    pub slots: Vec<Slot>,
    /// Whether it came with the gateway.
    pub builtin: bool,
    /// When it was added; the beginning of time for built-in ones.
    pub added: Wall,
    /// The trusted key it was signed with (hex digits), if it came with a signature.
    #[serde(default)]
    pub signed_by: Option<String>,
}

/// The components of a gateway, in a directory of mode 0700. All methods that take long run off the async threads.
#[derive(Debug)]
pub struct Library {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    engine: Arc<Engine>,
    directory: PathBuf,
    mode: CompileMode,
    cache: Cache,
    trust: Trust,
    index: Mutex<BTreeMap<ComponentDigest, ComponentInfo>>,
    builtin: Mutex<BTreeMap<ComponentDigest, &'static [u8]>>,
    /// The built-in component of each slot that has one, called `default-SLOT`.
    last_resorts: Mutex<BTreeMap<Slot, ComponentDigest>>,
}

impl Library {
    /// Opens the library; the directory is made if it is not there. Blocks shortly.
    ///
    /// # Errors
    /// [`LibraryError::Directory`] if the directory cannot be used, or others could write to it.
    pub fn open(engine: Arc<Engine>, directory: &Path, mode: CompileMode) -> Result<Self, LibraryError> {
        Self::open_trusting(engine, directory, mode, Trust::default())
    }

    /// As [`Library::open`], with what the user says of signatures.
    ///
    /// # Errors
    /// As [`Library::open`].
    pub fn open_trusting(
        engine: Arc<Engine>,
        directory: &Path,
        mode: CompileMode,
        trust: Trust,
    ) -> Result<Self, LibraryError> {
        let failed = |error| LibraryError::Directory { path: directory.to_owned(), error };
        private_directory(directory).map_err(failed)?;
        let cache = Cache::open(directory).map_err(failed)?;
        let index = read_index(directory).map_err(failed)?;
        let shared = Shared {
            engine,
            directory: directory.to_owned(),
            mode,
            cache,
            trust,
            index: Mutex::new(index),
            builtin: Mutex::new(BTreeMap::new()),
            last_resorts: Mutex::new(BTreeMap::new()),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Adds a component that came with the gateway. It is compiled if it was not before. One called `default-SLOT` is the last resort of
    /// that slot.
    ///
    /// # Errors
    /// As [`Library::add`].
    pub async fn add_builtin(&self, name: &str, bytes: &'static [u8]) -> Result<ComponentInfo, LibraryError> {
        let name = checked_name(name)?;
        self.blocking(move |shared| {
            let info = shared.add(&name, Cow::Borrowed(bytes), None, None, &Awaited::default())?;
            if let Some(slot) = name.strip_prefix("default-").and_then(|slot| slot.parse().ok()) {
                shared.last_resorts.lock().unwrap_or_else(PoisonError::into_inner).insert(slot, info.sha256);
            }
            Ok(info)
        })
        .await
    }

    /// The built-in component of a slot: what works when everything else fails.
    pub(crate) fn last_resort(&self, slot: Slot) -> Option<ComponentDigest> {
        self.shared.last_resorts.lock().unwrap_or_else(PoisonError::into_inner).get(&slot).copied()
    }

    /// The last resort of a slot, made ready. Blocks, for as long as its compilation takes if the compiled form is gone.
    pub(crate) fn last_resort_version(&self, slot: Slot, limits: &Limits) -> Result<Version, LibraryError> {
        let digest =
            self.last_resort(slot).ok_or_else(|| LibraryError::Unknown(format!("default-{slot}")))?;
        self.shared.version(slot, digest, limits.stack_bytes)
    }

    /// Checks, compiles and keeps a component. The same bytes again are found, and take the new name. If the future is dropped while the
    /// component is compiled or tried, that ends and nothing is kept.
    ///
    /// # Errors
    /// [`LibraryError::Refused`] and [`LibraryError::Compile`] say what is wrong with the component.
    pub async fn add(&self, name: &str, bytes: Vec<u8>, now: Wall) -> Result<ComponentInfo, LibraryError> {
        self.add_signed(name, bytes, None, now).await
    }

    /// As [`Library::add`], with the signature of the bytes.
    ///
    /// # Errors
    /// As [`Library::add`].
    pub async fn add_signed(
        &self,
        name: &str,
        bytes: Vec<u8>,
        signature: Option<[u8; 64]>,
        now: Wall,
    ) -> Result<ComponentInfo, LibraryError> {
        let name = checked_name(name)?;
        self.awaited(move |shared, awaited| {
            let signed_by = shared.trust.check(&bytes, signature.as_ref())?;
            shared.add(&name, Cow::Owned(bytes), Some(now), signed_by, awaited)
        })
        .await
    }

    /// Removes compiled forms that nothing uses any more: of components that are gone, of an earlier program, of uploads that a crash cut off. For
    /// the start, once the built-in components are added.
    pub async fn sweep(&self) {
        let swept = self.blocking(|shared| {
            let is_known = |digest: &ComponentDigest| shared.index().contains_key(digest);
            let swept = shared.cache.sweep(shared.engine.wasm().engine(), is_known);
            swept.map_err(|error| shared.failed(error))
        });
        match swept.await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "compiled components that nothing uses were removed"),
            Err(error) => tracing::warn!(%error, "compiled components that nothing uses are still there"),
        }
    }

    /// The component for a file: itself, or for a core module the component of it. It is not yet checked.
    ///
    /// # Errors
    /// [`LibraryError::Refused`] if no component can be made of it.
    pub async fn component_of(&self, file: Vec<u8>) -> Result<Vec<u8>, LibraryError> {
        self.blocking(move |shared| Ok(to_component(&shared.mode, &file)?.into_owned())).await
    }

    /// All components, by name, the newest of a name first.
    #[must_use]
    pub fn list(&self) -> Vec<ComponentInfo> {
        let mut list: Vec<_> = self.shared.index().values().cloned().collect();
        list.sort_by(|a, b| a.name.cmp(&b.name).then(b.added.cmp(&a.added)));
        list
    }

    /// The component with this name (the newest of that name), or with this SHA-256 or the beginning of it (8 digits or more).
    ///
    /// # Errors
    /// [`LibraryError::Unknown`] or [`LibraryError::Ambiguous`].
    pub fn find(&self, name_or_sha256: &str) -> Result<ComponentInfo, LibraryError> {
        if let Some(info) = self.list().into_iter().find(|info| info.name == name_or_sha256) {
            return Ok(info);
        }
        let quoted = || one_line(name_or_sha256, NAME_BYTES);
        let digits = name_or_sha256.to_ascii_lowercase();
        if digits.len() < 8 {
            return Err(LibraryError::Unknown(quoted()));
        }
        let index = self.shared.index();
        let mut matches = index.values().filter(|info| info.sha256.to_string().starts_with(&digits));
        match (matches.next(), matches.next()) {
            (Some(info), None) => Ok(info.clone()),
            (Some(_), Some(_)) => Err(LibraryError::Ambiguous(quoted())),
            _ => Err(LibraryError::Unknown(quoted())),
        }
    }

    /// Whether a component is there and its signature, where one is required, is still one of a trusted key.
    #[must_use]
    pub fn may_use(&self, digest: ComponentDigest) -> bool {
        self.info(digest).is_some_and(|info| self.shared.admits(&info))
    }

    /// What is known of a component.
    #[must_use]
    pub fn info(&self, digest: ComponentDigest) -> Option<ComponentInfo> {
        self.shared.index().get(&digest).cloned()
    }

    /// A kept component on the test bench.
    ///
    /// # Errors
    /// [`LibraryError::Unknown`], or as [`Library::add`].
    pub async fn bench(&self, digest: ComponentDigest) -> Result<Bench, LibraryError> {
        self.awaited(move |shared, awaited| {
            let bytes = shared.bytes(digest)?;
            let component = shared.compiled(digest, &bytes, awaited)?;
            Bench::of(&shared.engine, &check::slots(&bytes)?, &component)
        })
        .await
    }

    /// Forgets a component and its compiled forms. The caller makes sure that no slot needs it; built-in ones stay.
    ///
    /// # Errors
    /// [`LibraryError::Unknown`], or [`LibraryError::Directory`] if a file cannot be removed.
    pub async fn remove(&self, digest: ComponentDigest) -> Result<(), LibraryError> {
        self.blocking(move |shared| shared.remove(digest)).await
    }

    /// A component made ready for a slot and limits: from the cache, else compiled again.
    pub(crate) async fn version(
        &self,
        slot: Slot,
        digest: ComponentDigest,
        limits: &Limits,
    ) -> Result<Version, LibraryError> {
        let stack = limits.stack_bytes;
        self.blocking(move |shared| shared.version(slot, digest, stack)).await
    }

    /// A component from outside made ready for a slot, and not kept. No signature is asked for: it decides nothing.
    pub(crate) async fn candidate(
        &self,
        slot: Slot,
        bytes: Vec<u8>,
        limits: &Limits,
    ) -> Result<Version, LibraryError> {
        let stack = limits.stack_bytes;
        self.awaited(move |shared, awaited| shared.candidate(slot, &bytes, stack, awaited)).await
    }

    /// As [`Library::blocking`], for work that ends early when the future is dropped.
    async fn awaited<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared, &Awaited) -> Result<R, LibraryError> + Send + 'static,
    ) -> Result<R, LibraryError> {
        let (_waiter, awaited) = Awaited::by_somebody();
        self.blocking(move |shared| work(shared, &awaited)).await
    }

    async fn blocking<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<R, LibraryError> + Send + 'static,
    ) -> Result<R, LibraryError> {
        let shared = Arc::clone(&self.shared);
        supervisor::blocking("component-file", move || work(&shared))
            .await
            .map_err(|_| LibraryError::Stopped)?
    }
}

impl Shared {
    fn index(&self) -> MutexGuard<'_, BTreeMap<ComponentDigest, ComponentInfo>> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `added` is None for a built-in component.
    fn add(
        &self,
        name: &str,
        bytes: Cow<'static, [u8]>,
        added: Option<Wall>,
        signed_by: Option<String>,
        awaited: &Awaited,
    ) -> Result<ComponentInfo, LibraryError> {
        let candidates = check::slots(&bytes)?;
        let sha256 = ComponentDigest(Sha256::digest(&bytes).into());
        if added.is_some() && !self.index().contains_key(&sha256) && self.index().len() >= COMPONENTS {
            return Err(LibraryError::Full);
        }
        let slots = self
            .fitting(sha256, &bytes, &candidates, added.is_some().then_some(awaited))
            .inspect_err(|_| {
                // Refused again and again, its compiled form would be all that is left of it.
                if !self.index().contains_key(&sha256)
                    && let Err(error) = self.cache.forget(sha256)
                {
                    tracing::warn!(
                        "the compiled form of component {sha256}, which was refused, is still there: {error}"
                    );
                }
            })?;
        let size = bytes.len() as u64;
        let builtin = match bytes {
            Cow::Borrowed(bytes) => {
                self.builtin.lock().unwrap_or_else(PoisonError::into_inner).insert(sha256, bytes);
                true
            }
            Cow::Owned(bytes) => {
                write_private(&self.file(sha256, "wasm"), &[&bytes]).map_err(|error| self.failed(error))?;
                false
            }
        };
        let info = ComponentInfo {
            sha256,
            name: name.to_owned(),
            size,
            slots,
            builtin,
            added: added.unwrap_or_default(),
            // That it is added again without signature takes nothing away.
            signed_by: signed_by
                .or_else(|| self.index().get(&sha256).and_then(|known| known.signed_by.clone())),
        };
        if !builtin {
            let json = serde_json::to_vec(&info).map_err(|error| self.failed(io::Error::other(error)))?;
            write_private(&self.file(sha256, "json"), &[&json]).map_err(|error| self.failed(error))?;
        }
        self.index().insert(sha256, info.clone());
        Ok(info)
    }

    /// The slots a component fits. Tests make sure that built-in components conform; starting shall not take longer for it.
    fn fitting(
        &self,
        sha256: ComponentDigest,
        bytes: &[u8],
        candidates: &[Slot],
        has_to_conform: Option<&Awaited>,
    ) -> Result<Vec<Slot>, LibraryError> {
        let component = self.compiled(sha256, bytes, has_to_conform.unwrap_or(&Awaited::default()))?;
        let bench = Bench::of(&self.engine, candidates, &component)?;
        has_to_conform.map_or_else(|| Ok(bench.slots()), |awaited| bench.conforming(awaited))
    }

    fn compiled(
        &self,
        sha256: ComponentDigest,
        bytes: &[u8],
        awaited: &Awaited,
    ) -> Result<Component, LibraryError> {
        let engine = self.engine.wasm().engine();
        if let Some(component) = self.cache.load(engine, sha256) {
            return Ok(component);
        }
        let compiled = compile(&self.mode, engine, self.engine.stack_bytes(), bytes, awaited)?;
        let component = self.cache.keep(engine, sha256, compiled);
        Ok(component.map_err(|error| CompileError::Invalid(one_line(&format!("{error:#}"), 1000)))?)
    }

    fn version(&self, slot: Slot, digest: ComponentDigest, stack: u64) -> Result<Version, LibraryError> {
        let info = self.index().get(&digest).cloned();
        let info = info.ok_or_else(|| LibraryError::Unknown(digest.to_string()))?;
        if !info.slots.contains(&slot) {
            return Err(LibraryError::WrongSlot { name: info.name, slot });
        }
        if !self.admits(&info) {
            return Err(Refused::Unsigned.into());
        }
        let wasm = self.engine.with_stack(stack).map_err(unfit)?;
        let component = match self.cache.load(wasm.engine(), digest) {
            Some(component) => component,
            None => {
                let compiled = self.compiled(digest, &self.bytes(digest)?, &Awaited::default())?;
                wasm.adopt(compiled).map_err(unfit)?
            }
        };
        let prepared = Prepared::new(&wasm, slot, &component).map_err(unfit)?;
        Ok(Version { digest, name: info.name, compiled_bytes: compiled_bytes(&component), prepared })
    }

    /// Checked and compiled like one that is added; nothing is left of it.
    fn candidate(
        &self,
        slot: Slot,
        bytes: &[u8],
        stack: u64,
        awaited: &Awaited,
    ) -> Result<Version, LibraryError> {
        let slots = check::slots(bytes)?;
        if !slots.contains(&slot) {
            return Err(LibraryError::WrongSlot { name: "in the file".into(), slot });
        }
        let digest = ComponentDigest(Sha256::digest(bytes).into());
        let wasm = self.engine.with_stack(stack).map_err(unfit)?;
        let component = wasm.adopt(self.compiled(digest, bytes, awaited)?).map_err(unfit)?;
        if !self.index().contains_key(&digest) {
            self.cache.forget(digest).map_err(|error| self.failed(error))?;
        }
        let prepared = Prepared::new(&wasm, slot, &component).map_err(unfit)?;
        let compiled_bytes = compiled_bytes(&component);
        Ok(Version { digest, name: "candidate".to_owned(), compiled_bytes, prepared })
    }

    fn admits(&self, info: &ComponentInfo) -> bool {
        info.builtin || self.trust.admits(info.signed_by.as_deref())
    }

    /// The component's file, checked against its name.
    fn bytes(&self, digest: ComponentDigest) -> Result<Cow<'static, [u8]>, LibraryError> {
        let builtin = self.builtin.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).copied();
        if let Some(bytes) = builtin {
            return Ok(Cow::Borrowed(bytes));
        }
        let bytes =
            read_private(&self.file(digest, "wasm"), COMPONENT_BYTES).map_err(|error| self.failed(error))?;
        if ComponentDigest(Sha256::digest(&bytes).into()) != digest {
            let damaged =
                io::Error::other(format!("the file of component {digest} is damaged: add it again"));
            return Err(self.failed(damaged));
        }
        Ok(Cow::Owned(bytes))
    }

    fn remove(&self, digest: ComponentDigest) -> Result<(), LibraryError> {
        let known = self.index().get(&digest).map(|info| info.builtin);
        if known != Some(false) {
            return Err(LibraryError::Unknown(digest.to_string()));
        }
        self.index().remove(&digest);
        let remove = || {
            fs::remove_file(self.file(digest, "json"))?;
            fs::remove_file(self.file(digest, "wasm"))?;
            self.cache.forget(digest)
        };
        remove().map_err(|error| self.failed(error))
    }

    fn file(&self, digest: ComponentDigest, extension: &str) -> PathBuf {
        self.directory.join(format!("{digest}.{extension}"))
    }

    fn failed(&self, error: io::Error) -> LibraryError {
        LibraryError::Directory { path: self.directory.clone(), error }
    }
}

/// The engine's words.
fn unfit(error: wasmtime::Error) -> LibraryError {
    Refused::WrongTypes(one_line(&format!("{error:#}"), 1000)).into()
}

fn checked_name(name: &str) -> Result<String, LibraryError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let is_digest = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if (1..=NAME_BYTES).contains(&name.len()) && name.bytes().all(allowed) && !is_digest {
        Ok(name.to_owned())
    } else {
        Err(LibraryError::InvalidName(one_line(name, NAME_BYTES)))
    }
}

fn private_directory(directory: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let metadata = fs::metadata(directory)?;
    let owned = metadata.uid() == rustix::process::geteuid().as_raw();
    if !owned || metadata.mode() & 0o077 != 0 {
        return Err(io::Error::other("others can use it: make it this user's alone with `chmod 700`"));
    }
    Ok(())
}

/// What was added before; a file that cannot be read is passed over, so that one damaged file does not stop the gateway.
fn read_index(directory: &Path) -> io::Result<BTreeMap<ComponentDigest, ComponentInfo>> {
    let mut index = BTreeMap::new();
    for file in fs::read_dir(directory)? {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let info = read_private(&path, 64 << 10)
            .and_then(|bytes| serde_json::from_slice::<ComponentInfo>(&bytes).map_err(io::Error::other));
        match info {
            Ok(info) => {
                index.insert(info.sha256, ComponentInfo { builtin: false, ..info });
            }
            Err(error) => tracing::warn!("{} is not used: {error}", path.display()),
        }
    }
    Ok(index)
}
