//! Removes components that nobody needs any more.

use mail::ComponentDigest;

use crate::library::error::LibraryError;
use crate::slots::SwapError;
use crate::slots::sandbox::Sandbox;

impl Sandbox {
    /// Removes a component that was added.
    ///
    /// # Errors
    /// [`SwapError::InUse`] if it is live, on trial, or what a slot goes back to; [`SwapError::Invalid`] if it came with the gateway.
    pub async fn remove_component(&self, component: ComponentDigest) -> Result<(), SwapError> {
        let _one_at_a_time = self.shared.changes.lock().await;
        let library = &self.shared.library;
        let info = library.info(component).ok_or_else(|| LibraryError::Unknown(component.to_string()))?;
        if info.builtin {
            return Err(SwapError::Invalid(format!("{} came with the gateway, and stays", info.name)));
        }
        let in_use = |slot| SwapError::InUse { name: info.name.clone(), slot };
        for entry in self.config().entries {
            if entry.component == component
                || entry.last_good == Some(component)
                || entry.past.good == Some(component)
            {
                return Err(in_use(entry.slot));
            }
        }
        let shadows = self.shared.shadows.iter().filter_map(|shadow| shadow.load_full());
        if let Some(shadow) = shadows.into_iter().find(|shadow| shadow.version.digest == component) {
            return Err(in_use(shadow.slot));
        }
        Ok(library.remove(component).await?)
    }
}
