//! The settings of injection, which can change while reviews are answered.

use std::{net::IpAddr, sync::Arc};

use arc_swap::{ArcSwap, Guard};

use crate::injection::Settings;

/// The settings of injection. Cloning it is cheap, and all clones change together.
#[derive(Clone, Debug)]
pub struct LiveSettings(Arc<ArcSwap<Settings>>);

impl LiveSettings {
    /// Returns the present settings; takes no lock.
    pub fn load(&self) -> Guard<Arc<Settings>> {
        self.0.load()
    }

    /// Changes the address of the store for pods that resolve no cluster names.
    pub fn set_store_ip(&self, address: IpAddr) {
        self.change(|settings| settings.store.fallback_ip = Some(address));
    }

    /// Changes the certificates that pods verify the store with, in PEM.
    pub fn set_store_ca(&self, pem: &str) {
        if self.load().store.ca_pem.as_deref() == Some(pem) {
            return;
        }
        self.change(|settings| settings.store.ca_pem = Some(pem.to_owned()));
    }

    fn change(&self, change: impl Fn(&mut Settings)) {
        self.0.rcu(|settings| {
            let mut settings = Settings::clone(settings);
            change(&mut settings);
            settings
        });
    }
}

impl From<Settings> for LiveSettings {
    fn from(settings: Settings) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(settings)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::injection::{Image, StoreAddress};

    #[test]
    fn what_has_changed_is_seen_by_all_and_what_was_loaded_stays() {
        let store = StoreAddress::new("https://store.example.");
        let settings = LiveSettings::from(Settings::new(Image::new("client"), store));
        let clone = settings.clone();
        let before = clone.load();
        settings.set_store_ca("a certificate");
        assert_eq!(before.store.ca_pem, None);
        assert_eq!(clone.load().store.ca_pem.as_deref(), Some("a certificate"));
    }
}
