//! `account`: add, set the password, list.

use std::io::{self, BufRead, IsTerminal};

use anyhow::{Context, bail};
use clap::Subcommand;
use scim_admin::account::{Account, Role};
use scim_admin::session::Session;
use serde_json::json;

use super::value::{self, actor, instant};
use crate::host::Host;
use crate::output::{self, Table};
use crate::settings::Common;
use scim_console::documents;

/// What is done with accounts. A password is asked for on the terminal or read from the first line
/// of standard input; it is no option, because others can see the arguments of a process.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Add an account; the password is asked for, or read from standard input.
    Add {
        /// The name.
        name: String,
        /// What the account may do.
        #[arg(long, value_parser = value::role())]
        role: Role,
    },
    /// Set an account's password, which is asked for, or read from standard input.
    Password {
        /// The name.
        name: String,
    },
    /// Let new devices sign in again after too many failures.
    Unlock {
        /// The name.
        name: String,
    },
    /// Print a link that lets one browser sign in whatever others do: once, within an hour.
    DeviceLink {
        /// The name.
        name: String,
    },
    /// Bind an account to a person in the directory: it ends when the person is not active any more.
    Bind {
        /// The name.
        name: String,
        /// The person, by id or logon name.
        #[arg(long)]
        user: String,
    },
    /// Take the person from an account who is bound to it.
    Unbind {
        /// The name.
        name: String,
    },
    /// Change what an account may do.
    Role {
        /// The name.
        name: String,
        /// What it may do from now on.
        #[arg(value_parser = value::role())]
        role: Role,
    },
    /// Delete an account; its sessions and API keys end with it.
    Delete {
        /// The name.
        name: String,
    },
    /// List the accounts.
    List,
    /// List who is signed in to the console.
    Sessions,
    /// Sign somebody out of the console.
    EndSession {
        /// The id, as `account sessions` lists it.
        session: String,
    },
}

/// Runs the command.
///
/// # Errors
/// When the service refuses or fails.
pub(crate) fn run(host: &dyn Host, common: &Common, action: Action) -> anyhow::Result<()> {
    let instance = host.open(common)?;
    let admin = instance.admin();
    match action {
        Action::Add { name, role } => {
            let account = admin.add_account(&actor(), &name, role, &password()?)?;
            match common.json {
                true => output::json(&documents::account(&account)),
                false => output::line(&format!("Added {}", output::printable(&account.name))),
            }
        }
        Action::Password { name } => {
            admin.set_password(&actor(), &name, &password()?)?;
            match common.json {
                true => output::json(&json!({"name": name})),
                false => output::line("The password is set"),
            }
        }
        Action::Unlock { name } => {
            let account = admin.unlock_account(&actor(), &name)?;
            match common.json {
                true => output::json(&documents::account(&account)),
                false => output::line(&format!("Unlocked {}", output::printable(&account.name))),
            }
        }
        Action::DeviceLink { name } => {
            let secret = admin.device_link(&actor(), &name)?;
            let link = instance.console(&format!("/device?secret={}", secret.reveal()));
            match common.json {
                true => output::json(&json!({"link": link})),
                false => output::line(&link),
            }
        }
        Action::Bind { name, user } => {
            let account = admin.bind_account(&actor(), &name, &user)?;
            match common.json {
                true => output::json(&documents::account(&account)),
                false => output::line(&format!(
                    "Bound {} to {}",
                    output::printable(&account.name),
                    output::printable(&person(&account))
                )),
            }
        }
        Action::Unbind { name } => {
            let account = admin.unbind_account(&actor(), &name)?;
            match common.json {
                true => output::json(&documents::account(&account)),
                false => output::line(&format!(
                    "Bound {} to nobody",
                    output::printable(&account.name)
                )),
            }
        }
        Action::Role { name, role } => {
            let account = found(admin.accounts()?, &name)?;
            admin.set_role(&actor(), &account.id, role)?;
            match common.json {
                true => output::json(&documents::account(&admin.account(&account.id)?)),
                false => output::line(&format!("{} is {} now", account.name, role.as_str())),
            }
        }
        Action::Delete { name } => {
            let account = found(admin.accounts()?, &name)?;
            admin.delete_account(&actor(), &account.id)?;
            match common.json {
                true => output::json(&json!({"name": account.name})),
                false => output::line(&format!("Deleted {}", output::printable(&account.name))),
            }
        }
        Action::List => list(common, admin.accounts()?),
        Action::Sessions => sessions(common, admin.sessions()?),
        Action::EndSession { session } => {
            let sessions = admin.sessions()?.into_iter();
            let mut sessions = sessions.map(|(session, _)| session);
            let found = sessions.find(|found| documents::session_id(found) == session);
            let Some(found) = found else {
                bail!("there is no session {session}");
            };
            admin.revoke_session(&actor(), &found.hash)?;
            match common.json {
                true => output::json(&json!({"id": session})),
                false => output::line("The session has ended"),
            }
        }
    }
}

/// The account of a name or an id.
fn found(accounts: Vec<Account>, name: &str) -> anyhow::Result<Account> {
    let named = |account: &Account| account.name.eq_ignore_ascii_case(name) || account.id == name;
    let found = accounts.into_iter().find(named);
    found.with_context(|| format!("there is no account \"{}\"", output::printable(name)))
}

fn sessions(common: &Common, sessions: Vec<(Session, String)>) -> anyhow::Result<()> {
    let shown = sessions
        .into_iter()
        .map(|(session, account)| documents::console_session(&session, account));
    if common.json {
        return output::items(shown);
    }
    let mut table = Table::titled(["account", "since", "used last", "id"]);
    for session in shown {
        table.row(session.cells());
    }
    table.print()
}

fn list(common: &Common, accounts: Vec<Account>) -> anyhow::Result<()> {
    if common.json {
        return output::items(accounts.iter().map(documents::account));
    }
    let mut table = Table::titled(["name", "role", "user", "created", "id"]);
    for account in accounts {
        let (role, user) = (account.role.as_str().to_owned(), person(&account));
        let created = instant(account.created);
        table.row([account.name, role, user, created, account.id]);
    }
    table.print()
}

/// The person to whom an account is bound, and whether it is closed with the person.
fn person(account: &Account) -> String {
    let Some(person) = &account.person else {
        return String::new();
    };
    let name = person.user_name.as_ref().unwrap_or(&person.id);
    match (&person.user_name, person.active) {
        (_, true) => name.clone(),
        (Some(_), false) => format!("{name} (not active)"),
        (None, false) => format!("{name} (deleted)"),
    }
}

fn password() -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        return first_line(io::stdin().lock());
    }
    let ask = |prompt| rpassword::prompt_password(prompt).context("cannot read the password");
    let password = ask("Password: ")?;
    if ask("The same again: ")? != password {
        bail!("the two passwords differ; nothing was changed");
    }
    Ok(password)
}

fn first_line(input: impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    input
        .take(LONGEST)
        .read_line(&mut line)
        .context("cannot read the password from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("there is no password on standard input; write it as the first line");
    }
    Ok(password.to_owned())
}

const LONGEST: u64 = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_without_its_end() {
        assert_eq!(
            first_line(&b" two words \r\nmore"[..]).unwrap(),
            " two words "
        );
        assert_eq!(first_line(&b"no end"[..]).unwrap(), "no end");
    }

    #[test]
    fn no_password_and_no_text_are_refused() {
        assert!(first_line(&b""[..]).is_err());
        assert!(first_line(&b"\nsecond"[..]).is_err());
        assert!(first_line(&b"\xff\n"[..]).is_err());
    }
}
