//! Setup guides: where every identity provider wants the endpoint and the token.

use askama::Template;
use scim_admin::IdentityProvider;

use super::super::{ConsoleAnswer, Failed, Visit};
use super::configuration::{Shown, Tabs};
use super::configurations::label;
use super::{LIST, Shell, ago};

/// The guide of an identity provider.
struct Guide {
    key: &'static str,
    steps: &'static [&'static str],
    /// Its words for what it asks for: the field, and what goes in.
    fields: &'static [(&'static str, Value)],
    notes: &'static [&'static str],
}

/// What goes into a field.
enum Value {
    Endpoint,
    Token,
    Text(&'static str),
}

#[derive(Template)]
#[template(path = "guide.html")]
struct Page {
    shell: Shell,
    tabs: Tabs,
    title: String,
    here: String,
    endpoint: String,
    hint: String,
    guide: &'static Guide,
    others: Vec<(&'static str, String, bool)>,
    seen: String,
}

pub(in super::super) fn own(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let configuration = visit
        .console
        .admin
        .find_configuration(visit.part("configuration"))?;
    page(visit, configuration.identity_provider.as_str())
}

pub(in super::super) fn show(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    match GUIDES.iter().any(|guide| guide.key == visit.part("guide")) {
        true => page(visit, visit.part("guide")),
        false => Err(Failed::NotFound),
    }
}

fn page(visit: &Visit<'_>, key: &str) -> Result<ConsoleAnswer, Failed> {
    let shown = Shown::find(visit)?;
    let guide = GUIDES
        .iter()
        .find(|guide| guide.key == key)
        .unwrap_or(&GENERIC);
    let used = shown
        .tokens
        .iter()
        .filter_map(|token| token.last_used)
        .max();
    let page = Page {
        shell: shown.shell(visit, "Setup guide")?,
        tabs: shown.tabs(visit, "guide"),
        title: name(guide.key),
        here: format!("{LIST}/{}/setup", shown.id),
        endpoint: visit.console.scim_endpoint.clone(),
        hint: shown
            .tokens
            .iter()
            .find(|token| token.is_live(shown.now))
            .map(|token| token.hint.clone())
            .unwrap_or_default(),
        others: GUIDES
            .iter()
            .map(|one| (one.key, name(one.key), one.key == guide.key))
            .collect(),
        guide,
        seen: match used {
            Some(at) => format!(
                "The identity provider has asked, {}.",
                ago(Some(at), shown.now)
            ),
            None => String::new(),
        },
    };
    ConsoleAnswer::page(200, &page)
}

fn name(key: &str) -> String {
    let known = IdentityProvider::parse(key).map(label);
    match key {
        "generic" => "Another identity provider".to_owned(),
        _ => known.unwrap_or(key).to_owned(),
    }
}

const GENERIC: Guide = Guide {
    key: "generic",
    steps: &[
        "Look for provisioning over SCIM 2.0 in your identity provider.",
        "Enter the endpoint and the token, and choose authentication by bearer token or HTTP header.",
        "Let userName be the unique identifier of users.",
        "Test the connection, then assign users and groups.",
    ],
    fields: &[
        ("SCIM base URL, tenant URL or endpoint", Value::Endpoint),
        (
            "Authentication",
            Value::Text("OAuth bearer token or HTTP header"),
        ),
        ("Token", Value::Token),
    ],
    notes: &["The identity provider must reach this server over HTTPS and trust its certificate."],
};

const GUIDES: [Guide; 7] = [
    Guide {
        key: "entra",
        steps: &[
            "In the Entra admin center open Enterprise applications, and create an application of your own that is not in the gallery.",
            "Open Provisioning and set the mode to Automatic.",
            "Under Admin Credentials enter Tenant URL and Secret Token, and press Test Connection.",
            "Save. Under Mappings switch off what you do not provision, such as groups.",
            "Under Users and groups assign who is to be provisioned, and start provisioning.",
        ],
        fields: &[
            ("Tenant URL", Value::Endpoint),
            ("Secret Token", Value::Token),
        ],
        notes: &[
            "Both dialects work, with and without ?aadOptscim062020 behind the tenant URL; with it Entra sends PATCH as RFC 7644 has it.",
            "Map Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\") to active, so that deleted people are blocked.",
            "Entra runs every 40 minutes; Provision on demand sends one user at once.",
            "Test Connection asks for a user who does not exist and expects an empty list.",
        ],
    },
    Guide {
        key: "okta",
        steps: &[
            "Create an app integration with SAML 2.0, and open its General tab.",
            "Edit App Settings and set Provisioning to SCIM.",
            "On the Provisioning tab edit the SCIM connection with the values below, and press Test Connector Configuration.",
            "Under To App enable Create Users, Update User Attributes and Deactivate Users.",
            "Assign people under Assignments, and groups under Push Groups.",
        ],
        fields: &[
            ("SCIM connector base URL", Value::Endpoint),
            ("Unique identifier field for users", Value::Text("userName")),
            (
                "Supported provisioning actions",
                Value::Text("Push New Users, Push Profile Updates, Push Groups"),
            ),
            ("Authentication Mode", Value::Text("HTTP Header")),
            ("Authorization: Bearer", Value::Token),
        ],
        notes: &[
            "Okta deactivates people and never deletes them.",
            "Sync Password sends a password with every user; it is dropped here.",
        ],
    },
    Guide {
        key: "onelogin",
        steps: &[
            "Add the application SCIM Provisioner with SAML (SCIM v2 Enterprise).",
            "On the Configuration tab enter the values below and press Enable under API Status.",
            "On the Provisioning tab enable provisioning, and choose what deleting a user does: Delete, Suspend or Do nothing.",
            "Assign the application to people by roles.",
        ],
        fields: &[
            ("SCIM Base URL", Value::Endpoint),
            ("SCIM Bearer Token", Value::Token),
        ],
        notes: &[
            "Delete archives the user here, Suspend blocks.",
            "In the SCIM JSON Template the value of active may be a quoted macro.",
        ],
    },
    Guide {
        key: "keycloak",
        steps: &[
            "Install a SCIM client extension in Keycloak.",
            "In the realm open User federation, and add the SCIM provider.",
            "Enter the values below, and choose which of users and groups propagate.",
            "Run Sync all users once.",
        ],
        fields: &[
            ("SCIM 2.0 endpoint", Value::Endpoint),
            (
                "Endpoint content type",
                Value::Text("application/scim+json"),
            ),
            ("Auth mode", Value::Text("Bearer")),
            ("Auth password or token", Value::Token),
        ],
        notes: &["The names of the fields differ between extensions; what goes in is the same."],
    },
    Guide {
        key: "google",
        steps: &[
            "In the Google Admin console open Apps, Web and mobile apps, and the app you provision.",
            "Open Auto-provisioning and press Set up auto-provisioning.",
            "Enter the values below, and map the attributes.",
            "Choose the groups whose members are provisioned, and what happens to people who leave.",
            "Turn auto-provisioning on.",
        ],
        fields: &[
            ("Endpoint URL", Value::Endpoint),
            ("Access token", Value::Token),
        ],
        notes: &["Google Workspace provisions users; groups choose who is in scope."],
    },
    Guide {
        key: "jumpcloud",
        steps: &[
            "Add a Custom Application, and enable Export users to this app (Identity Management).",
            "On the Identity Management tab choose SCIM API and SCIM 2.0.",
            "Enter the values below, press Test Connection, then Activate.",
            "Bind user groups to the application.",
        ],
        fields: &[("Base URL", Value::Endpoint), ("Token Key", Value::Token)],
        notes: &[
            "The connection test creates a user and a group and deletes both; you find them in the log.",
            "Test User Email is any address of your own domain that is not in use.",
        ],
    },
    GENERIC,
];
