//! Devices: browsers from which an account has signed in. What strangers do keeps nobody waiting who
//! comes from one of them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use ring::digest::{SHA256, digest};
use scim_protocol::text::fold;
use serde_json::json;

use super::{Actor, AdminService, entry};
use crate::account::Account;
use crate::api_key;
use crate::error::AdminError;
use crate::hex::hex;
use crate::invalid::Problem;
use crate::store::{AdminStoreExt, DeviceLink, Written};
use crate::token::PlainToken;

/// Somebody who tries to sign in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attempt<'a> {
    /// From where.
    pub source: Option<&'a str>,
    /// The name.
    pub name: &'a str,
    /// The password.
    pub password: &'a str,
    /// What the browser keeps of an earlier sign-in.
    pub device: Option<&'a str>,
}

/// Somebody who signed in.
#[derive(Debug)]
pub struct Admitted {
    /// What the browser keeps of the session.
    pub session: PlainToken,
    /// What it keeps for the next sign-in.
    pub device: PlainToken,
}

/// A device that an account has signed in from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) id: String,
    pub(super) failures: i64,
    pub(super) failed: Option<DateTime<Utc>>,
}

impl AdminService {
    /// Whether somebody comes from a device from which the account of this name has signed in; what
    /// others did wrong is not held against them.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn is_known_device(&self, name: &str, device: Option<&str>) -> Result<bool, AdminError> {
        if device.is_none() {
            return Ok(false);
        }
        let account = self.password_account(name)?;
        Ok(match &account {
            Some(account) => self.device(account, device)?.is_some(),
            None => false,
        })
    }

    /// A secret for a link that makes a browser a known device of an account, once, within an hour.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn device_link(&self, actor: &Actor, name: &str) -> Result<PlainToken, AdminError> {
        let actor = &self.act(actor);
        let account = self.password_account(name)?;
        let account = account.ok_or_else(|| AdminError::not_found("account", name))?;
        let secret = actor
            .secret()
            .map_err(|_none| Problem::NoRandomNumbers.refused())?;
        let secret = URL_SAFE_NO_PAD.encode(secret);
        let audit = entry(actor, "account.device_link", &account.name, json!({}));
        let link = DeviceLink {
            hash: api_key::hash(&secret),
            account: account.id,
            until: audit.at + Duration::hours(LINK_HOURS),
        };
        self.store.write(move |rows| {
            rows.delete_device_links_before(audit.at)?;
            rows.insert_device_link(&link)?;
            Ok(Written::changed((), audit.clone()))
        })?;
        Ok(PlainToken::new(secret))
    }

    /// Takes the secret of a link and answers what the browser keeps, with the name of the account.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for a link that was used, is too old, or never was.
    pub fn admit_device(
        &self,
        source: Option<&str>,
        secret: &str,
    ) -> Result<(PlainToken, String), AdminError> {
        let nobody = self.act(&Actor::new("nobody", source));
        let hash = api_key::hash(secret);
        // A link that was presented is used up, whatever comes of it.
        let link = self
            .store
            .upkeep(move |rows| Ok(rows.take_device_link(&hash)?))?;
        let not_found = || AdminError::not_found("link", "of this secret");
        let link = link.filter(|link| link.until > nobody.at);
        let link = link.ok_or_else(not_found)?;
        let account = self.store.write(move |rows| {
            let account = rows.account(&link.account)?.filter(Account::is_open);
            let account = account.ok_or_else(not_found)?;
            let audit = entry(&nobody, "account.device_admitted", &account.name, json!({}));
            Ok(Written::changed(account, audit))
        })?;
        Ok((self.device_cookie(&account, None), account.name))
    }

    /// Lets strangers try again to sign in to an account.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn unlock_account(&self, actor: &Actor, name: &str) -> Result<Account, AdminError> {
        let actor = &self.act(actor);
        let account = self.password_account(name)?;
        let account = account.ok_or_else(|| AdminError::not_found("account", name))?;
        let details = json!({ "failures": account.failures });
        let audit = entry(actor, "account.unlocked", &account.name, details);
        self.store.write(move |rows| {
            rows.forget_account_failures(&account.id)?;
            Ok(Written::changed(account.clone(), audit.clone()))
        })
    }

    /// The account of a name that signs in with a password.
    pub(super) fn password_account(&self, name: &str) -> Result<Option<Account>, AdminError> {
        let name = fold(name.trim());
        let mut accounts = self.accounts()?.into_iter();
        Ok(accounts.find(|account| account.openid.is_none() && fold(&account.name) == name))
    }

    /// The device that somebody comes from, if the account knows it and it did not fail too often.
    pub(super) fn device(
        &self,
        account: &Account,
        kept: Option<&str>,
    ) -> Result<Option<Device>, AdminError> {
        let Some((id, tag)) = kept.and_then(|kept| kept.split_once('.')) else {
            return Ok(None);
        };
        if !self.keys.is_device_tag(&message(account, id), tag) {
            return Ok(None);
        }
        let (failures, failed) = self.store.read(|rows| Ok(rows.device_failures(id)?))?;
        let device = Device {
            id: id.to_owned(),
            failures,
            failed,
        };
        Ok(Some(device).filter(|device| device.failures < DEVICE_FAILURES))
    }

    /// What the browser keeps: the device's id, and a tag that fits this account and its password.
    pub(super) fn device_cookie(&self, account: &Account, known: Option<&Device>) -> PlainToken {
        let id = match known {
            Some(device) => device.id.clone(),
            None => self.environment.uuid().simple().to_string(),
        };
        let tag = self.keys.device_tag(&message(account, &id));
        PlainToken::new(format!("{id}.{tag}"))
    }
}

/// What the tag of a device is made over. With the password it changes, and the device is a
/// stranger's again.
fn message(account: &Account, device: &str) -> String {
    let password = hex(digest(&SHA256, account.password.0.as_bytes()).as_ref());
    format!("{}\n{device}\n{password}", account.id)
}

const LINK_HOURS: i64 = 1;
/// After how many failures a device is a stranger's.
const DEVICE_FAILURES: i64 = 10;
