//! What is to be done so that what is there becomes what a document says.

use chrono::{DateTime, Utc};
use ring::digest::{SHA256, digest};
use scim_feed::{Stream, StreamKind, Topic, WebhookUrl};
use scim_mapping::{CustomField, LookupTable, MappingSet};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::configuration::{ConfigurationInput, ConfigurationStatus, ProvisioningConfiguration};
use crate::hex::hex;
use crate::item::{ItemKind, ItemName};
use crate::scope::Scope;

/// What applying a document would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "digest": "4b8d1f0e6a27c953d08e41b6f2c7a9350e6d18b4f7209c3a5e81d46b0f29c7a3",
    "afterwards": ["Make a token for Entra ID."],
})))]
pub struct Plan {
    /// What names this plan: the same for the same changes of the same values.
    pub digest: String,
    /// What changes, in the order in which it does.
    pub items: Vec<PlanItem>,
    /// What somebody has to do afterwards, because secrets come of it.
    pub afterwards: Vec<String>,
}

/// One thing that is added, changed or deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "kind": "configuration", "name": "Entra ID", "change": "update" })))]
pub struct PlanItem {
    /// What it is.
    pub kind: ItemKind,
    /// Its name; of a mapping that of the configuration, and the kind of resource.
    pub name: String,
    /// What becomes of it.
    pub change: Change,
    /// Which of its members change.
    pub changes: Vec<MemberChange>,
}

/// A member that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "member": "policy.guard.count", "old": 500, "new": 200 })))]
pub struct MemberChange {
    /// Where it stands, as `policy.guard.count` or `rules.title`.
    pub member: String,
    /// What it was; null where there was nothing.
    pub old: Value,
    /// What it becomes; null where nothing is left.
    pub new: Value,
}

/// What becomes of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// It is added.
    Create,
    /// Members of it change.
    Update,
    /// It is deleted.
    Delete,
}

/// A plan as it was made, to be carried out by its digest.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPlan {
    /// The digest.
    pub digest: String,
    /// Whether what the document does not name is deleted.
    pub prune: bool,
    /// The document.
    pub document: Value,
    /// What changes.
    pub items: Vec<PlanItem>,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub created: DateTime<Utc>,
}

/// A plan with what carries it out.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) plan: Plan,
    pub(crate) steps: Vec<Step>,
}

/// A stream to be added.
#[derive(Debug, Clone)]
pub(crate) struct NewStream {
    pub(crate) name: String,
    pub(crate) kind: StreamKind,
    pub(crate) url: Option<WebhookUrl>,
    pub(crate) topics: Option<Vec<Topic>>,
    pub(crate) paused: bool,
}

/// One write.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    AddField(CustomField),
    EditField {
        before: CustomField,
        after: CustomField,
    },
    PutTable(LookupTable),
    AddConfiguration {
        input: ConfigurationInput,
        status: ConfigurationStatus,
        rules: Vec<MappingSet>,
    },
    EditConfiguration {
        before: ProvisioningConfiguration,
        input: ConfigurationInput,
        status: ConfigurationStatus,
    },
    PutRules {
        configuration: ProvisioningConfiguration,
        rules: MappingSet,
    },
    /// The rules in force use the newest version of the table of this name.
    TakeUpTable(String),
    AddStream(NewStream),
    TurnStream(Stream),
    DeleteStream(Stream),
    DeleteConfiguration(ProvisioningConfiguration),
    DeleteField(CustomField),
    DeleteTable(String),
}

impl Work {
    /// The work of these steps, of which each item tells.
    pub(crate) fn new(prune: bool, items: Vec<PlanItem>, steps: Vec<Step>) -> Self {
        let told = json!({ "prune": prune, "items": items }).to_string();
        let afterwards = items.iter().filter_map(PlanItem::afterwards);
        Self {
            plan: Plan {
                digest: hex(digest(&SHA256, told.as_bytes()).as_ref()),
                afterwards: afterwards.collect(),
                items,
            },
            steps,
        }
    }

    /// The scopes that an API key needs for it, all of them, beside [`Scope::Configure`].
    pub(crate) fn needs(&self) -> impl Iterator<Item = Scope> {
        self.steps.iter().filter_map(Step::needs)
    }
}

impl Step {
    fn needs(&self) -> Option<Scope> {
        match self {
            Self::AddStream(_) | Self::DeleteStream(_) => Some(Scope::Tokens),
            Self::TurnStream(_) => Some(Scope::Operate),
            Self::EditConfiguration { before, status, .. } if before.status != *status => {
                Some(Scope::Operate)
            }
            Self::EditConfiguration { .. }
            | Self::AddField(_)
            | Self::EditField { .. }
            | Self::DeleteField(_)
            | Self::PutTable(_)
            | Self::TakeUpTable(_)
            | Self::DeleteTable(_)
            | Self::AddConfiguration { .. }
            | Self::PutRules { .. }
            | Self::DeleteConfiguration(_) => None,
        }
    }
}

impl PlanItem {
    /// Which thing it is about.
    pub fn about(&self) -> ItemName {
        self.kind.named(&*self.name)
    }

    fn afterwards(&self) -> Option<String> {
        let name = self.name.replace('\'', r"'\''");
        match (self.kind, self.change) {
            (ItemKind::Configuration, Change::Create) => {
                Some(format!("serviceops-scim token add '{name}'"))
            }
            (ItemKind::Stream, Change::Create) => {
                Some(format!("serviceops-scim stream secret '{name}'"))
            }
            _ => None,
        }
    }
}

impl Plan {
    /// What differs between the items of an older plan and this one's.
    pub fn moved_since(&self, older: &[PlanItem]) -> Vec<ItemName> {
        let mut moved: Vec<ItemName> = Vec::new();
        let of_older = older.iter().filter(|item| !self.items.contains(item));
        let of_newer = self.items.iter().filter(|item| !older.contains(item));
        for item in of_older.chain(of_newer) {
            let about = item.about();
            if !moved.contains(&about) {
                moved.push(about);
            }
        }
        moved
    }

    /// How many things it deletes.
    pub fn deletions(&self) -> usize {
        let deletes = |item: &&PlanItem| item.change == Change::Delete;
        self.items.iter().filter(deletes).count()
    }
}
