//! The commands beside `serve`, one in a file.

mod account;
mod alert;
mod api_key;
mod audit;
mod backup;
mod check;
mod completions;
mod configuration;
mod custom_field;
mod declaration;
mod demo;
mod event;
mod events;
mod feed;
mod group;
mod healthcheck;
mod held;
mod keys;
mod link;
mod mapping;
mod migrate;
mod policy;
mod rehearsal;
mod run;
mod stream;
mod table;
mod token;
mod user;
pub(crate) mod value;
mod why;

use clap::Subcommand;

use crate::host::Host;
use crate::output;
use crate::settings::{Common, PublicUrl};

/// A command that runs and ends.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Provisioning configurations: one for each identity provider.
    #[command(subcommand)]
    Configuration(configuration::Action),
    /// Authentication tokens of a provisioning configuration.
    #[command(subcommand)]
    Token(token::Action),
    /// People in the directory.
    #[command(subcommand)]
    User(user::Action),
    /// Groups in the directory.
    #[command(subcommand)]
    Group(group::Action),
    /// How identity-provider attributes become ServiceOps fields.
    #[command(subcommand)]
    Mapping(mapping::Action),
    /// Fields of users that administrators define.
    #[command(subcommand)]
    CustomField(custom_field::Action),
    /// Lookup tables, which rules of all configurations share.
    #[command(subcommand)]
    Table(table::Action),
    /// Links to people created by hand that wait for an administrator.
    #[command(subcommand)]
    Link(link::Action),
    /// Changes that the guard against mass deprovisioning holds.
    #[command(subcommand)]
    Held(held::Action),
    /// Accounts of administrators.
    #[command(subcommand)]
    Account(account::Action),
    /// Keys for the admin API.
    #[command(subcommand)]
    ApiKey(api_key::Action),
    /// What administrators did.
    #[command(subcommand)]
    Audit(audit::Action),
    /// What needs somebody.
    #[command(subcommand)]
    Alert(alert::Action),
    /// Receivers that follow what changes in the directory.
    #[command(subcommand)]
    Stream(stream::Action),
    /// What changes in the directory.
    #[command(subcommand)]
    Feed(feed::Action),
    /// Print what is configured as one document without secrets.
    Export(declaration::Export),
    /// Show what applying a document would change, and the digest by which just that is done.
    Plan(declaration::Planned),
    /// Make what is configured what a document says: all of it or nothing.
    Apply(declaration::Apply),
    /// Play an identity provider against the running server.
    Demo(demo::Options),
    /// What an identity provider would do, looked at before it is done.
    #[command(subcommand)]
    Rehearsal(rehearsal::Action),
    /// What was changed together, and taking that back.
    #[command(subcommand)]
    Run(run::Action),
    /// One entry of the provisioning log.
    #[command(subcommand)]
    Event(event::Action),
    /// The provisioning log.
    Events(events::Options),
    /// The keys with which tokens are signed and secrets are sealed.
    #[command(subcommand)]
    Keys(keys::Action),
    /// Write a backup of the whole database to a file, while the server runs.
    Backup(backup::Options),
    /// Put a backup back where there is no database.
    Restore(backup::Options),
    /// Make the tables of the database, or bring them to this version.
    Migrate(migrate::Options),
    /// Why somebody is as they are: not here, refused, held, blocked or fine.
    Why(why::Options),
    /// Verify database, key ring, certificate and clock.
    Check(check::Options),
    /// Ask the server on this machine whether it is ready.
    Healthcheck(healthcheck::Options),
    /// Print the OpenAPI document of the admin API.
    Openapi,
    /// Print a completion script for a shell.
    Completions(completions::Options),
}

/// Runs a command.
///
/// # Errors
/// What went wrong, for the terminal.
pub(crate) fn run(host: &dyn Host, common: &Common, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Configuration(action) => configuration::run(host, common, action),
        Command::Token(action) => token::run(host, common, action),
        Command::User(action) => user::run(host, common, action),
        Command::Group(action) => group::run(host, common, &action),
        Command::Mapping(action) => mapping::run(host, common, action),
        Command::CustomField(action) => custom_field::run(host, common, action),
        Command::Table(action) => table::run(host, common, action),
        Command::Link(action) => link::run(host, common, action),
        Command::Held(action) => held::run(host, common, action),
        Command::Account(action) => account::run(host, common, action),
        Command::ApiKey(action) => api_key::run(host, common, action),
        Command::Audit(action) => audit::run(host, common, &action),
        Command::Alert(action) => alert::run(host, common, &action),
        Command::Stream(action) => stream::run(host, common, action),
        Command::Feed(action) => feed::run(host, common, &action),
        Command::Export(options) => declaration::export(host, common, &options),
        Command::Plan(options) => declaration::plan(host, common, &options),
        Command::Apply(options) => declaration::apply(host, common, &options),
        Command::Demo(options) => demo::run(host, common, &options),
        Command::Rehearsal(action) => rehearsal::run(host, common, action),
        Command::Run(action) => run::run(host, common, action),
        Command::Event(action) => event::run(host, common, &action),
        Command::Events(options) => events::run(host, common, &options),
        Command::Keys(action) => keys::run(host, common, &action),
        Command::Backup(options) => backup::run(host, common, &options),
        Command::Restore(options) => backup::restore(host, common, &options),
        Command::Migrate(options) => migrate::run(host, common, &options),
        Command::Why(options) => why::run(host, common, options),
        Command::Check(options) => check::run(host, common, &options),
        Command::Healthcheck(options) => healthcheck::run(common, &options),
        Command::Openapi => {
            let path = common.public_url.as_ref().map_or("", PublicUrl::path);
            output::json(&scim_console::api::openapi::document_below(path))
        }
        Command::Completions(options) => completions::run(&options),
    }
}
