//! Everything known of a customer, as one document that is written while it is read.
//!
//! A page of rows is in memory at a time, however long the past is. When the store fails in the middle, the connection
//! breaks off: what came is no JSON, and nobody takes a part for the whole.

use crate::admission::Priority;
use crate::http::error::Problem;
use crate::http::history::{History, Rows};
use crate::http::reply::Origin;
use crate::http::results::contact;
use crate::http::{Services, reply, request};
use crate::wire::consent::ConsentAnswer;
use crate::wire::customer::CustomerAnswer;
use crate::wire::decision::DecisionAnswer;
use crate::wire::past::{ExportHead, ExportedDecision, from_the_latest};
use crate::wire::time::Time;
use crate::wire::value;
use actix_web::{HttpRequest, HttpResponse, web};
use actors::call::{Command, CustomerId, Reply};
use actors::decision::log::LoggedDecision;
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use storage::{DecisionRow, Page};

/// `GET /v1/customers/{id}/export`
///
/// # Errors
/// Those of the call and the store.
pub async fn export(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let customer = request::customer(&request)?;
    let answer = services.dispatch.call(&customer, Command::Export, Priority::Care).await?;
    let origin = Origin::from(&answer);
    let export = match answer.reply {
        Reply::Export(export) => export,
        Reply::Refused(refusal) => return Err(refusal.into()),
        _ => return Err(reply::out_of_place()),
    };
    let view = &export.view;
    let head = ExportHead {
        customer: view.customer.as_str().to_owned(),
        exported_at: Time((services.clock)()),
        view: CustomerAnswer::of(view, origin.revision()),
        consent_history: view.consent_history.iter().map(ConsentAnswer::of).collect(),
        state: serde_json::to_value(&export.state).map_err(|error| unwritable(&error))?,
    };
    let writing = Writing {
        history: History::of(view),
        customer: view.customer.clone(),
        services,
        next: Next::Head(json(&head)?),
    };
    let body = stream::try_unfold(writing, Writing::piece);
    Ok(reply::signed(origin, HttpResponse::Ok().content_type("application/json").streaming(body)))
}

/// An export being written.
struct Writing {
    history: History,
    customer: CustomerId,
    services: web::Data<Services>,
    next: Next,
}

/// What comes next.
enum Next {
    Head(String),
    Contacts(Page),
    Decisions(Page),
    Nothing,
}

impl Writing {
    async fn piece(mut self) -> Result<Option<(Bytes, Writing)>, Problem> {
        let (text, next) = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => return Ok(None),
            Next::Head(head) => {
                let open = head.strip_suffix('}').unwrap_or(&head);
                (format!("{open},\"contacts\":["), Next::Contacts(from_the_latest()))
            }
            Next::Contacts(page) => {
                let found = self.history.contacts(&*self.services.store, &page).await?;
                let rows = found.rows.iter().map(|row| json(&contact(&self.services, row)?));
                let text = list(&page, &rows.collect::<Result<Vec<_>, Problem>>()?);
                match after(&found, &page) {
                    Some(page) => (text, Next::Contacts(page)),
                    None => (text + "],\"decisions\":[", Next::Decisions(from_the_latest())),
                }
            }
            Next::Decisions(page) => {
                let found = self.history.decisions(&*self.services.store, &page).await?;
                let rows = found.rows.iter().map(|row| json(&decision(&self.customer, row)?));
                let text = list(&page, &rows.collect::<Result<Vec<_>, Problem>>()?);
                match after(&found, &page) {
                    Some(page) => (text, Next::Decisions(page)),
                    None => (text + "]}", Next::Nothing),
                }
            }
        };
        self.next = next;
        Ok(Some((Bytes::from(text), self)))
    }
}

/// The page after a full one.
fn after<R>(found: &Rows<R>, page: &Page) -> Option<Page> {
    found.next.as_ref().map(|next| Page { after: Some(next.clone()), ..page.clone() })
}

/// Rows of a list that goes on where an earlier page ended.
fn list(page: &Page, rows: &[String]) -> String {
    let goes_on = if page.after.is_some() && !rows.is_empty() { "," } else { "" };
    format!("{goes_on}{}", rows.join(","))
}

fn decision(customer: &CustomerId, row: &DecisionRow) -> Result<ExportedDecision, Problem> {
    let logged = LoggedDecision::decode(&row.body)?;
    Ok(ExportedDecision {
        decision: DecisionAnswer::of(customer, &logged.decision),
        placement: logged.request.placement.clone(),
        context: value::to_json(&logged.request.context),
        request_id: logged.request.request_id.clone(),
    })
}

fn json(part: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(part).map_err(|error| unwritable(&error))
}

fn unwritable(error: &serde_json::Error) -> Problem {
    Problem::ours("internal", error.to_string())
}
