//! Where each setting comes from.

use std::collections::HashSet;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command};
use serde::Serialize;

use super::database::without_secrets;
use super::{Common, PublicUrl, ServeOptions};
use crate::output::{self, Table};

/// A setting, as the server would go by it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Setting {
    /// The name, which is the key in the file.
    pub(crate) name: String,
    /// The value, without secrets; null where there is none.
    pub(crate) value: Option<String>,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

/// Where a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    Flag,
    Environment,
    File,
    Default,
}

impl Origin {
    fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::File => "file",
            Self::Default => "default",
        }
    }
}

/// Every setting of the innermost command; `named` are those that the file has.
pub(crate) fn settings(matches: &ArgMatches, named: &HashSet<String>) -> Vec<Setting> {
    let mut innermost = matches;
    while let Some((_name, below)) = innermost.subcommand() {
        innermost = below;
    }
    let known = ServeOptions::augment_args(Common::augment_args(Command::new("settings")));
    let known = known.get_arguments().filter_map(|argument| {
        let name = argument.get_long().filter(|name| *name != "json")?;
        let id = argument.get_id().as_str();
        Some(setting(name, id, innermost, named))
    });
    known.collect()
}

/// Puts in what counts where nothing was said and another setting decides.
pub(crate) fn complete(settings: &mut [Setting], common: &Common, options: &ServeOptions) {
    let port = options.addresses().next();
    let port = port.and_then(|address| address.rsplit_once(':'));
    let port = port.and_then(|(_host, port)| port.parse::<u16>().ok());
    for setting in settings {
        let usual = || match &*setting.name {
            // Without a URL there is no password that could be shown.
            "database-url" => Some(common.usual_database()),
            "key-file" => Some(common.key_file().display().to_string()),
            // A port of 0 is chosen when the server listens.
            "public-url" => port
                .filter(|port| *port != 0)
                .map(|port| PublicUrl::local(port).to_string()),
            _ => None,
        };
        if setting.value.is_none() {
            setting.value = usual();
        }
    }
}

fn setting(name: &str, id: &str, matches: &ArgMatches, named: &HashSet<String>) -> Setting {
    let raw = matches.try_get_raw(id).ok().flatten();
    let value = raw.map(|values| {
        let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
        shown(name, &values.join(","))
    });
    let source = value.as_ref().and_then(|_value| matches.value_source(id));
    let origin = match source {
        Some(ValueSource::CommandLine) => Origin::Flag,
        Some(ValueSource::EnvVariable) => Origin::Environment,
        _ if named.contains(name) => Origin::File,
        _ => Origin::Default,
    };
    Setting {
        name: name.to_owned(),
        value,
        origin,
    }
}

/// A value without secrets.
fn shown(name: &str, value: &str) -> String {
    match name {
        "database-url" => without_secrets(value),
        _ => value.to_owned(),
    }
}

/// Prints the settings.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn print(common: &Common, settings: &[Setting]) -> anyhow::Result<()> {
    if common.json {
        return output::items(settings);
    }
    let mut table = Table::titled(["setting", "value", "from"]);
    for setting in settings {
        table.row([
            setting.name.clone(),
            setting.value.clone().unwrap_or_default(),
            setting.origin.as_str().to_owned(),
        ]);
    }
    table.print()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn of_a_database_url_no_secret_is_shown() {
        for (url, expected) in [
            ("sqlite:data/x.db", "sqlite:data/x.db"),
            ("postgres://host/db", "postgres://host/db"),
            ("postgres://u:p@ss/w@host:5/db", "postgres://***@host:5/db"),
            ("postgres://host/db?password=x", "postgres://host/db?***"),
            ("postgres://u:pa?ss@host/db", "postgres://***@host/db"),
            (
                "postgres://u:pa?s@s@host/db?password=x",
                "postgres://***@host/db?***",
            ),
            ("postgres://host/db?password=x@y?z", "postgres://***@y?***"),
        ] {
            assert_eq!(shown("database-url", url), expected);
        }
    }
}
