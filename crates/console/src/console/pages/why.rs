//! Why somebody is as they are: what the search in the top bar finds.

use askama::Template;
use scim_admin::why::{Found, WhyAnswer};
use scim_admin::{AdminError, WhyQuery};

use super::super::signing_in::encoded;
use super::super::{ConsoleAnswer, Failed, Visit, sentence};
use super::{LIST, Shell, instant};
use crate::mending;

#[derive(Template)]
#[template(path = "why.html")]
struct Why {
    shell: Shell,
    /// Who is asked for.
    who: String,
    answer: Option<Answer>,
    /// Why nothing was looked for.
    error: String,
}

struct Answer {
    sentence: String,
    /// What the link says that mends it, and where it leads.
    mend: Option<(&'static str, String)>,
    found: Vec<Row>,
    moments: Vec<Told>,
}

/// Somebody who fits.
struct Row {
    name: String,
    /// Where more is to be seen of them.
    link: String,
    about: String,
    state: &'static str,
}

/// Something that happened.
struct Told {
    at: String,
    sentence: String,
    link: String,
}

pub(in super::super) fn show(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let who = visit.query.text("q").trim().to_owned();
    let shell = Shell::new(visit, "why", "Find a person")?;
    let mut page = Why {
        shell,
        who: who.clone(),
        answer: None,
        error: String::new(),
    };
    if who.is_empty() {
        return ConsoleAnswer::page(200, &page);
    }
    let query = WhyQuery {
        who,
        ..WhyQuery::default()
    };
    let (admin, provider) = (&visit.console.admin, &visit.console.provider);
    match admin.why(&visit.actor()?, provider, &query) {
        Ok(answer) => page.answer = Some(Answer::new(visit, &answer)),
        Err(error @ AdminError::Invalid(_)) => {
            page.error = sentence(&error);
            return ConsoleAnswer::page(422, &page);
        }
        Err(error) => return Err(error.into()),
    }
    ConsoleAnswer::page(200, &page)
}

impl Answer {
    fn new(visit: &Visit<'_>, answer: &WhyAnswer) -> Self {
        let mend = answer.mend.as_ref().and_then(mending::mend);
        // Auditors are led to no page that they may not see.
        let reads = |page: &str| !page.ends_with("/tokens") && !page.ends_with("/edit");
        let moments = answer.timeline.iter().map(|moment| Told {
            at: instant(moment.at),
            sentence: moment.sentence.clone(),
            link: moment
                .event
                .map(|id| format!("{LIST}/logs/{id}"))
                .unwrap_or_default(),
        });
        Self {
            sentence: answer.sentence.clone(),
            mend: mend.filter(|(_, page)| visit.administers() || reads(page)),
            found: answer.found.iter().map(Row::new).collect(),
            moments: moments.collect(),
        }
    }
}

impl Row {
    fn new(found: &Found) -> Self {
        let asked = |name: &str, about: &str| Self {
            name: name.to_owned(),
            link: format!("/admin/why?q={}", encoded(name)),
            about: about.to_owned(),
            state: "",
        };
        match found {
            Found::Person(person) => {
                let said = [person.display_name.as_deref(), person.email.as_deref()];
                let mut said: Vec<&str> = said.into_iter().flatten().collect();
                said.dedup();
                Self {
                    name: person.user_name.clone(),
                    link: format!("/admin/why?q={}", person.id),
                    about: said.join(" · "),
                    state: person.status.as_str(),
                }
            }
            Found::Attempt(name) => asked(name, "asked for, not here"),
            Found::LookUp(value) => asked(value, "looked for, not here"),
        }
    }
}

/// The colour of a status.
fn colour(status: &str) -> &'static str {
    match status {
        "active" => "good",
        _ => "",
    }
}
