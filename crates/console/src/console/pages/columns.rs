//! The columns of the provisioning log, as somebody chooses them.

use super::super::Form;

/// A column beside the time, which is always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Configuration,
    Action,
    Resource,
    Outcome,
    Status,
    ScimType,
    Took,
    Cause,
    Reason,
    Changed,
    ScimId,
    Source,
    Client,
    Actor,
    RequestId,
    MappingVersion,
}

impl Column {
    /// Every column, in the order in which they stand.
    ///
    /// How it ended, of what, and why come first, so that they are in sight however narrow the window.
    pub(super) const ALL: [Self; 16] = [
        Self::Outcome,
        Self::Action,
        Self::Resource,
        Self::Reason,
        Self::Configuration,
        Self::Status,
        Self::Took,
        Self::ScimType,
        Self::Cause,
        Self::Changed,
        Self::ScimId,
        Self::Source,
        Self::Client,
        Self::Actor,
        Self::RequestId,
        Self::MappingVersion,
    ];

    /// The column as it stands in an address.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Action => "action",
            Self::Resource => "resource",
            Self::Outcome => "outcome",
            Self::Status => "status",
            Self::ScimType => "scimType",
            Self::Took => "took",
            Self::Cause => "cause",
            Self::Reason => "reason",
            Self::Changed => "changed",
            Self::ScimId => "scimId",
            Self::Source => "source",
            Self::Client => "client",
            Self::Actor => "administrator",
            Self::RequestId => "requestId",
            Self::MappingVersion => "mappingVersion",
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Configuration => "Configuration",
            Self::Action => "Action",
            Self::Resource => "Resource",
            Self::Outcome => "Outcome",
            Self::Status => "HTTP",
            Self::ScimType => "scimType",
            Self::Took => "Took",
            Self::Cause => "Cause",
            Self::Reason => "Reason",
            Self::Changed => "Changed fields",
            Self::ScimId => "SCIM id",
            Self::Source => "Source address",
            Self::Client => "Client",
            Self::Actor => "Administrator",
            Self::RequestId => "Request id",
            Self::MappingVersion => "Mapping version",
        }
    }

    /// Whether it is shown to somebody who has chosen nothing.
    fn is_usual(self) -> bool {
        matches!(
            self,
            Self::Configuration
                | Self::Action
                | Self::Resource
                | Self::Outcome
                | Self::Status
                | Self::Took
                | Self::Reason
        )
    }

    /// Whether others than this program have written what stands in it.
    pub(super) fn is_foreign(self) -> bool {
        matches!(
            self,
            Self::Configuration
                | Self::Resource
                | Self::Reason
                | Self::Changed
                | Self::Client
                | Self::Actor
        )
    }
}

/// Which columns are chosen; `None` for the usual ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Columns(Option<Vec<Column>>);

impl Columns {
    pub(super) fn of(form: &Form) -> Self {
        let named = form.all("column");
        // The time alone is a choice as well.
        let chosen = |column: &Column| named.iter().any(|name| name == column.key());
        let known = named.iter().any(|name| name == TIME) || Column::ALL.iter().any(chosen);
        let columns: Vec<Column> = Column::ALL.into_iter().filter(chosen).collect();
        Self(Some(columns).filter(|_| known))
    }

    /// Whether a column is shown.
    pub(super) fn has(&self, column: Column) -> bool {
        match &self.0 {
            Some(chosen) => chosen.contains(&column),
            None => column.is_usual(),
        }
    }

    /// The values of `column` in an address; none for the usual columns.
    pub(super) fn keys(&self) -> Vec<&'static str> {
        match &self.0 {
            Some(chosen) => {
                let chosen = chosen.iter().map(|column| column.key());
                std::iter::once(TIME).chain(chosen).collect()
            }
            None => Vec::new(),
        }
    }
}

const TIME: &str = "time";

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(query: &str) -> Columns {
        Columns::of(&Form::parse(query))
    }

    fn shown(query: &str) -> Vec<&'static str> {
        let columns = columns(query);
        let shown = Column::ALL.into_iter().filter(|one| columns.has(*one));
        shown.map(Column::key).collect()
    }

    #[test]
    fn what_is_chosen_is_shown_in_the_order_of_the_table() {
        let usual = [
            "outcome",
            "action",
            "resource",
            "reason",
            "configuration",
            "status",
            "took",
        ];
        assert_eq!(shown(""), usual);
        assert_eq!(shown("column=nonsense&column="), usual);
        assert_eq!(
            shown("column=client&column=action&column=x"),
            ["action", "client"]
        );
        assert!(shown("column=time").is_empty());
        let every = Column::ALL.map(|column| format!("column={}", column.key()));
        assert_eq!(shown(&every.join("&")), Column::ALL.map(Column::key));
    }

    #[test]
    fn a_choice_is_written_as_it_is_read() {
        for query in ["", "column=time", "column=reason&column=scimId"] {
            let chosen = columns(query);
            let written: Vec<String> = chosen
                .keys()
                .iter()
                .map(|key| format!("column={key}"))
                .collect();
            assert_eq!(columns(&written.join("&")), chosen, "{query}");
        }
        assert!(columns("").keys().is_empty());
    }
}
