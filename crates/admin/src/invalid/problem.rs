//! What can be wrong with a value that was entered, or with what was asked for.

use std::borrow::Cow;

use scim_mapping::{FieldError, ImportError, MappingError, TableError, TransformParseError};
use scim_provisioning::Failure;
use scim_provisioning::replay::NotKept;

use crate::keyring::KeyRingError;

/// What is wrong with a value, or with what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The value is not what its field takes.
    #[error("{field} {rule}")]
    Rule {
        /// The field, as people read it.
        field: Cow<'static, str>,
        /// What is wrong, said of the field.
        rule: Cow<'static, str>,
    },
    /// The name of an account or API key is empty, too long or invisible.
    #[error("a name has 1 to 100 characters, and none that nobody sees")]
    NameLength,
    /// The audit uses the name for somebody else.
    #[error("this name stands for somebody else in the audit")]
    NameReserved,
    /// A text is no network.
    #[error("\"{text}\" is no network such as 192.0.2.0/24 or 2001:db8::/32")]
    Network {
        /// The text.
        text: String,
    },
    /// A text is no scope.
    #[error("\"{text}\" is no scope; read, configure, tokens and operate are")]
    UnknownScope {
        /// The text.
        text: String,
    },
    /// An API key has no scope.
    #[error("an API key has one scope at least")]
    NoScope,
    /// A stream is told of nothing.
    #[error("a stream has one topic at least; without any word of topics it has them all")]
    NoTopic,
    /// A stream that is sent has an address, and no other one.
    #[error(
        "a stream that is sent has the \"url\" of its receiver, and one that is asked for has none"
    )]
    WebhookHasUrl,
    /// A stream of security events asks for what is none.
    #[error("security events tell of people, groups and memberships, and not of {}", .0.as_str())]
    NoEventOf(scim_feed::Topic),
    /// Nothing can be sent to an address.
    #[error(transparent)]
    WebhookUrl(scim_feed::WebhookUrlError),
    /// An API key asks for scopes that its role has not.
    #[error("a key of the role {role} has no scope but {}", .scopes.join(","))]
    ScopeBeyondRole {
        /// The name of the role.
        role: &'static str,
        /// The names of the scopes that it has.
        scopes: Vec<&'static str>,
    },
    /// An API key lives too short or too long.
    #[error("an API key lives 1 to {most} days")]
    KeyLife {
        /// Days at most.
        most: i64,
    },
    /// A password does not do.
    #[error("the password {0}")]
    Password(PasswordProblem),
    /// The account signs in elsewhere.
    #[error("this account signs in by its OpenID provider and has no password")]
    NoPassword,
    /// A token ends too soon or too late.
    #[error("a token ends in the future, and within two years")]
    TokenLife,
    /// A time has not come yet that is to have passed.
    #[error("the time has not come yet")]
    NotPassed,
    /// The old token goes on for too long.
    #[error("an old token goes on for 30 days at most once the new one was used")]
    Overlap,
    /// A token cannot be made.
    #[error("no token can be made: {0}")]
    Token(TokenProblem),
    /// A sealed value cannot be opened.
    #[error(transparent)]
    KeyRing(KeyRingError),
    /// A key is needed, and cannot be taken out of the ring.
    #[error(
        "the key is needed for {signed} live tokens that it signed (revoke them, or wait for their \
         end) and {sealed} secrets of tokens and webhooks that it sealed (run `keys reseal`)"
    )]
    KeyNeeded {
        /// How many it signed.
        signed: i64,
        /// How many it sealed.
        sealed: i64,
    },
    /// There is no key to seal with.
    #[error("no key")]
    NoKey,
    /// The machine gives no random numbers.
    #[error("no random numbers")]
    NoRandomNumbers,
    /// An entry of the log is of no run that can be taken back.
    #[error("the entry is part of no run, or of no resource")]
    NoRun,
    /// A run is not at its end.
    #[error("the run goes on; it can be taken back when it is done")]
    RunGoesOn,
    /// Nothing is kept of what was before a run.
    #[error("there is nothing to take back: the run changed nothing of it, or it is too long ago")]
    NothingToUndo,
    /// Nobody does again what a run did, or the configuration is not enabled.
    #[error(
        "there is nothing to pause: no identity provider asked for what the run did, or its \
         configuration is not enabled"
    )]
    NothingToPause,
    /// The configuration of a run is deleted for good.
    #[error(
        "the configuration was deleted for good: people and groups were kept as they were, add a \
         configuration and let it take them over"
    )]
    DeletedConfiguration,
    /// Not everything is kept of what was before a run.
    #[error("the run is too long ago: what was before it is not kept any more, or not all of it")]
    RunForgotten,
    /// The rules of a mapping do not fit.
    #[error(transparent)]
    Mapping(MappingError),
    /// The rules of a mapping that is active would not fit any more.
    #[error("the mapping of \"{configuration}\" would not fit: {error}")]
    ActiveMapping {
        /// Of which configuration.
        configuration: String,
        /// Why.
        error: MappingError,
    },
    /// A document is no mapping of an identity provider.
    #[error(transparent)]
    Import(ImportError),
    /// A line is no transform.
    #[error(transparent)]
    Transform(TransformParseError),
    /// A note is too long, or holds control characters.
    #[error("a note has {most} characters at most, and no control characters")]
    Note {
        /// Characters at most.
        most: usize,
    },
    /// A custom field cannot be defined so.
    #[error(transparent)]
    CustomField(FieldError),
    /// There are as many custom fields as there can be.
    #[error("there can be {most} custom fields")]
    TooManyFields {
        /// How many.
        most: usize,
    },
    /// A custom field would get another type.
    #[error("a field keeps its type; add another field and map it")]
    TypeChanged,
    /// A rule writes the custom field.
    #[error(
        "the field is written by rule \"{rule}\" of \"{configuration}\"; change the mapping first"
    )]
    FieldInUse {
        /// The key of the rule.
        rule: String,
        /// The name of the configuration.
        configuration: String,
    },
    /// A lookup table cannot be used.
    #[error(transparent)]
    Table(TableError),
    /// There are as many lookup tables as there can be.
    #[error("there can be {most} lookup tables")]
    TooManyTables {
        /// How many.
        most: usize,
    },
    /// A rule uses the lookup table.
    #[error(
        "rule \"{rule}\" of \"{configuration}\" looks values up in the table; change the mapping first"
    )]
    TableInUse {
        /// The key of the rule.
        rule: String,
        /// The name of the configuration.
        configuration: String,
    },
    /// The entry of the log is neither a failure nor a warning.
    #[error("only a failure or a warning can be resolved")]
    NotResolvable,
    /// The entry of the log cannot be carried out again.
    #[error(transparent)]
    Replay(ReplayProblem),
    /// Several users wait for the person.
    #[error("several users wait for this person; say which one")]
    SeveralLinks,
    /// A link cannot be compared.
    #[error(transparent)]
    Comparison(Failure),
    /// A person cannot be linked.
    #[error("\"{person}\" cannot be linked: {}", said(.refused))]
    NotLinked {
        /// The logon name of the person.
        person: String,
        /// Why.
        refused: Failure,
    },
    /// A group gives the person what was to be changed.
    #[error("what \"{person}\" is comes from the group \"{group}\"")]
    FromGroup {
        /// The logon name of the person.
        person: String,
        /// The name of the group.
        group: String,
    },
    /// A person or group cannot become this.
    #[error("this is not possible for \"{name}\" as things are")]
    NotPossible {
        /// Its name.
        name: String,
    },
    /// No configuration manages the person or group.
    #[error("no configuration manages \"{name}\"")]
    Unmanaged {
        /// Its name.
        name: String,
    },
    /// ServiceOps has no such role.
    #[error("the role \"{role}\" is no role of ServiceOps")]
    UnknownRole {
        /// Its name.
        role: String,
    },
    /// The person is a member already.
    #[error("\"{person}\" is in \"{group}\" already")]
    MemberAlready {
        /// The logon name of the person.
        person: String,
        /// The name of the group.
        group: String,
    },
    /// The person to whom an account is to be bound is not active.
    #[error("the user \"{name}\" is not active")]
    NotActive {
        /// The logon name.
        name: String,
    },
    /// The account is bound to nobody.
    #[error("the account \"{name}\" is bound to nobody")]
    NotBound {
        /// Its name.
        name: String,
    },
    /// No administrator would be left who is bound to nobody.
    #[error("this is the last administrator who is bound to nobody; make another one first")]
    LastAdministrator,
    /// A document cannot be read.
    #[error("{place}: {syntax}")]
    Document {
        /// Where.
        place: String,
        /// What is wrong there.
        syntax: String,
    },
    /// A document is of another form.
    #[error("the document has version {version}; this server reads version 1")]
    DocumentVersion {
        /// Of which.
        version: u32,
    },
    /// A document names a thing twice.
    #[error("it is declared twice")]
    DeclaredTwice,
    /// A word is none that is known.
    #[error("there is no {what} \"{word}\"")]
    UnknownWord {
        /// What it should be.
        what: &'static str,
        /// The word.
        word: String,
    },
    /// A policy has no such member.
    #[error("the policy has no member \"{name}\"")]
    UnknownPolicy {
        /// The name.
        name: String,
    },
    /// A policy has a value that it does not take.
    #[error("the policy does not fit: {member}: {syntax}")]
    PolicyValue {
        /// Of which member.
        member: String,
        /// What is wrong.
        syntax: String,
    },
    /// A guard is given as something else than an object.
    #[error("the guard is a JSON object")]
    GuardShape,
    /// Rules are of another kind of resource than the one that they are for.
    #[error("the rules are of the other kind of resource")]
    OtherResource,
    /// A stream would be told of something else, or in another way.
    #[error("a stream keeps its kind, its topics and its url; delete it and add another one")]
    StreamKept,
    /// An interface could not read what was entered, and says so in its own words.
    #[error("{0}")]
    Entry(Cow<'static, str>),
}

/// What a client would be told of a refusal, inside a sentence.
fn said(refused: &Failure) -> String {
    match refused {
        Failure::Scim(error) | Failure::Refused { error, .. } => error.detail().to_owned(),
        other => other.to_string(),
    }
    .trim_end_matches('.')
    .to_owned()
}

/// Why a password does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// It has too few characters.
    #[error("has fewer than 15 characters")]
    TooShort,
    /// It has too many bytes.
    #[error("is longer than 256 bytes")]
    TooLong,
    /// It is easy to guess.
    #[error("is easy to guess")]
    Common,
    /// The machine gives no random numbers.
    #[error("could not be hashed: there are no random numbers")]
    NoRandomNumbers,
    /// The machine failed.
    #[error("could not be hashed: {0}")]
    NotHashed(argon2::Error),
}

/// Why a token cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenProblem {
    /// The machine gives no random numbers.
    #[error("no random numbers")]
    NoRandomNumbers,
    /// The key ring is empty.
    #[error("no key")]
    NoKey,
    /// It cannot be signed.
    #[error(transparent)]
    Signing(jsonwebtoken::errors::Error),
    /// It cannot be sealed.
    #[error(transparent)]
    Sealing(KeyRingError),
}

/// Why an entry of the log cannot be carried out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplayProblem {
    /// It was no failure.
    #[error("only a failure can be replayed")]
    NoFailure,
    /// It is resolved.
    #[error("it is resolved; reopen it first")]
    Resolved,
    /// The log has nothing of the request.
    #[error("the log does not keep the request")]
    NoRequest,
    /// The log does not have enough of the request.
    #[error(transparent)]
    NotKept(#[from] NotKept),
    /// Its configuration was deleted.
    #[error("its configuration is not there any more")]
    NoConfiguration,
    /// Its configuration is paused.
    #[error("its configuration is paused")]
    Paused,
    /// Its configuration is disabled.
    #[error("its configuration is disabled")]
    Disabled,
    /// Its configuration is being deleted.
    #[error("its configuration is being deleted")]
    Deleting,
    /// Its configuration rehearses.
    #[error("its configuration rehearses; let that go live or discard it first")]
    Rehearsing,
    /// Another entry of the log changed the same resource later.
    #[error("entry {0} of the log changed it later, and an old request must not undo that")]
    ChangedLater(i64),
    /// Somebody changed the same resource later by hand.
    #[error(
        "it was changed later by hand, or one of its members was, and an old request must not undo \
         that"
    )]
    ChangedByHand,
}
