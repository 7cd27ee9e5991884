//! Lookup tables: what rules of all configurations look values up in.

use askama::Template;
use scim_admin::table::{TableSummary, TableUse, TableVersion};
use scim_admin::{AdminError, TableSeen};
use scim_mapping::{ResourceKind, TableContent};

use super::super::form_field::form_field;
use super::super::{ConsoleAnswer, Failed, Visit, sentence};
use super::{LIST, Shell, instant};

/// Where the list of tables is.
const TABLES: &str = "/admin/users/tables";

#[derive(Template)]
#[template(path = "tables.html")]
struct Tables {
    shell: Shell,
    tables: Vec<TableSummary>,
}

pub(in super::super) fn list(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let page = Tables {
        shell: Shell::new(visit, "tables", "Lookup tables")?,
        tables: visit.console.admin.lookup_tables()?,
    };
    ConsoleAnswer::page(200, &page)
}

/// Rules that use a table, as they are shown.
struct Use {
    configuration: String,
    /// The mapping.
    link: String,
    /// Where what is there is counted and changed; empty where nothing is.
    impact: String,
    resource: ResourceKind,
    draft: bool,
    rules: String,
}

impl Use {
    fn of(found: TableUse) -> Self {
        let base = format!("{LIST}/{}/mappings", found.configuration);
        let applies = !found.draft && found.resource == ResourceKind::User;
        Self {
            link: format!("{base}/{}", found.resource),
            impact: match applies {
                true => format!("{base}/user/impact"),
                false => String::new(),
            },
            configuration: found.name,
            resource: found.resource,
            draft: found.draft,
            rules: found.rules.join(", "),
        }
    }
}

#[derive(Template)]
#[template(path = "table.html")]
struct One {
    shell: Shell,
    table: TableVersion,
    uses: Vec<Use>,
    /// How many of the rows are shown.
    shown: usize,
    here: String,
}

pub(in super::super) fn show(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let admin = &visit.console.admin;
    let table = admin.lookup_table(visit.part("table"), None)?;
    let uses = admin.table_uses(&table.name)?;
    let page = One {
        shell: Shell::new(visit, "tables", &table.name)?,
        here: format!("{TABLES}/{}", table.name),
        uses: uses.into_iter().map(Use::of).collect(),
        shown: table.content.rows.len().min(SHOWN),
        table,
    };
    ConsoleAnswer::page(200, &page)
}

/// The table as a file.
pub(in super::super) fn file(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let table = visit
        .console
        .admin
        .lookup_table(visit.part("table"), None)?;
    let csv = table.content.to_csv();
    Ok(ConsoleAnswer::file(
        "table.csv",
        "text/csv; charset=utf-8",
        csv,
    ))
}

#[derive(Template)]
#[template(path = "table_form.html")]
struct Entry {
    shell: Shell,
    /// Whether the table is a new one.
    new: bool,
    error: String,
    /// The field that is wrong; empty when it is none of them.
    wrong: &'static str,
    name: String,
    /// The version that was seen.
    version: String,
    csv: String,
    action: String,
    back: String,
}

impl Entry {
    fn new(visit: &Visit<'_>, name: &str, csv: String) -> Result<Self, Failed> {
        Ok(Self {
            shell: Shell::new(visit, "tables", "New table")?,
            new: true,
            error: String::new(),
            wrong: "",
            name: name.to_owned(),
            version: String::new(),
            csv,
            action: format!("{TABLES}/new"),
            back: TABLES.to_owned(),
        })
    }

    fn of(visit: &Visit<'_>, table: &TableVersion, csv: String) -> Result<Self, Failed> {
        let here = format!("{TABLES}/{}", table.name);
        Ok(Self {
            shell: Shell::new(visit, "tables", "Edit table")?,
            new: false,
            error: String::new(),
            wrong: "",
            name: table.name.clone(),
            version: table.version.to_string(),
            csv,
            action: format!("{here}/edit"),
            back: here,
        })
    }

    /// The form again, with what was wrong.
    fn again(self, error: AdminError) -> Result<ConsoleAnswer, Failed> {
        match error {
            AdminError::Invalid(_) | AdminError::NameTaken(_) => {
                let page = Self {
                    wrong: form_field(&error),
                    error: sentence(&error),
                    ..self
                };
                ConsoleAnswer::page(422, &page)
            }
            error => Err(error.into()),
        }
    }
}

pub(in super::super) fn new(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    ConsoleAnswer::page(200, &Entry::new(visit, "", String::new())?)
}

pub(in super::super) fn add(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let name = visit.form.text("name").trim().to_owned();
    match put(visit, &name, TableSeen::None) {
        Ok(()) => Ok(ConsoleAnswer::redirect(format!(
            "{TABLES}/{name}?done=added"
        ))),
        Err(error) => {
            let csv = visit.form.text("csv").to_owned();
            Entry::new(visit, &name, csv)?.again(error)
        }
    }
}

pub(in super::super) fn edit(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let table = visit
        .console
        .admin
        .lookup_table(visit.part("table"), None)?;
    let csv = table.content.to_csv();
    // What a form cannot send back is not shown in one.
    let csv = if csv.len() > EDITED {
        String::new()
    } else {
        csv
    };
    ConsoleAnswer::page(200, &Entry::of(visit, &table, csv)?)
}

pub(in super::super) fn save(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let table = visit
        .console
        .admin
        .lookup_table(visit.part("table"), None)?;
    // What is no number is no version that anybody saw.
    let seen = visit.form.text("version").parse().unwrap_or_default();
    match put(visit, &table.name, TableSeen::Version(seen)) {
        Ok(()) => Ok(ConsoleAnswer::redirect(format!(
            "{TABLES}/{}?done=table-saved",
            table.name
        ))),
        Err(error) => {
            let csv = visit.form.text("csv").to_owned();
            Entry::of(visit, &table, csv)?.again(error)
        }
    }
}

fn put(visit: &Visit<'_>, name: &str, seen: TableSeen) -> Result<(), AdminError> {
    let actor = visit.actor().map_err(|_failed| AdminError::SignIn)?;
    let content = TableContent::read_csv(visit.form.text("csv"))?;
    visit.console.admin.put_table(&actor, name, content, seen)?;
    Ok(())
}

pub(in super::super) fn delete(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let admin = &visit.console.admin;
    admin.delete_table(&visit.actor()?, visit.part("table"))?;
    Ok(ConsoleAnswer::redirect(format!("{TABLES}?done=deleted")))
}

/// How many rows a page shows.
const SHOWN: usize = 200;
/// Bytes of a table that is edited in the browser; its form is about as long again when it is sent.
const EDITED: usize = 100 * 1024;
