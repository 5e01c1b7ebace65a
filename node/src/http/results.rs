//! Looking back: contacts, decisions, why one was taken, and everything in one document.

use crate::http::channel::logged;
use crate::http::customers::view;
use crate::http::error::Problem;
use crate::http::{Services, reply, request};
use crate::wire::consent::ConsentAnswer;
use crate::wire::customer::{ContactAnswer, CustomerAnswer};
use crate::wire::decision::DecisionAnswer;
use crate::wire::explanation::ExplanationAnswer;
use crate::wire::past::{
    ContactsPage, DecisionsPage, ExportAnswer, OfferQuery, PageQuery, from_the_latest, write_cursor,
};
use crate::wire::time::Time;
use actix_web::{HttpRequest, HttpResponse, web};
use actors::call::CustomerId;
use actors::customer::contact_history::view_of_row;
use actors::decision::log::LoggedDecision;
use actors::learning::PriorTable;
use std::sync::Arc;
use storage::{ContactRow, CustomerKey, DecisionRow, Page};

/// `GET /v1/customers/{id}/contacts`
///
/// # Errors
/// 400 `bad_limit`, `bad_cursor`, those of the call and the store.
pub async fn contacts(
    request: HttpRequest,
    services: web::Data<Services>,
    query: web::Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let customer = request::customer(&request)?;
    let page = query.page().map_err(|(code, detail)| Problem::bad(code, detail))?;
    let (origin, _) = view(&services, &customer).await?;
    let rows_max = page.rows_max;
    let rows = services.store.contacts(&key(&customer), page).await?;
    let next_cursor = full(&rows, rows_max).map(|last| write_cursor(last.at_ms, &last.contact_id));
    let contacts = rows.iter().map(|row| contact(&services, row)).collect::<Result<_, _>>()?;
    Ok(reply::of_customer(origin, &ContactsPage { contacts, next_cursor }))
}

/// `GET /v1/customers/{id}/decisions`
///
/// # Errors
/// As [`contacts`].
pub async fn decisions(
    request: HttpRequest,
    services: web::Data<Services>,
    query: web::Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let customer = request::customer(&request)?;
    let page = query.page().map_err(|(code, detail)| Problem::bad(code, detail))?;
    let (origin, _) = view(&services, &customer).await?;
    let rows_max = page.rows_max;
    let rows = services.store.decisions(&key(&customer), page).await?;
    let next_cursor = full(&rows, rows_max).map(|last| write_cursor(last.at_ms, &last.decision_id));
    let decisions = rows.iter().map(|row| decision(&customer, row)).collect::<Result<_, _>>()?;
    Ok(reply::of_customer(origin, &DecisionsPage { decisions, next_cursor }))
}

/// `GET /v1/customers/{id}/decisions/{decision_id}`: taken again from the log, with what became of every offer.
///
/// # Errors
/// 404 `unknown_decision`, `unknown_offer`, those of the call and the store.
pub async fn explain(
    request: HttpRequest,
    services: web::Data<Services>,
    query: web::Query<OfferQuery>,
) -> Result<HttpResponse, Problem> {
    let customer = request::customer(&request)?;
    let decision_id = request.match_info().query("decision_id").to_string();
    let (origin, _) = view(&services, &customer).await?;
    let logged = logged(&services, &customer, &decision_id).await?;
    let playbook = services.playbooks.by_id(&logged.decision.playbook).await?;
    let offer = query.into_inner().offer;
    // Walking every offer of a large catalogue takes a while: not on the thread that serves others.
    let explained = web::block(move || {
        let priors = Arc::new(PriorTable::written(&playbook));
        let explanation = logged.explain(&customer, &playbook, &priors)?;
        let answer = ExplanationAnswer::of(&customer, &logged.request, &explanation, offer.as_deref());
        answer.ok_or_else(|| Problem::missing("unknown_offer", "the decision's playbook has no such offer"))
    });
    let answer = explained.await.map_err(|error| Problem::ours("internal", error.to_string()))??;
    Ok(reply::of_customer(origin, &answer))
}

/// `GET /v1/customers/{id}/export`
///
/// # Errors
/// Those of the call and the store.
pub async fn export(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let customer = request::customer(&request)?;
    let (origin, view) = view(&services, &customer).await?;
    let answer = ExportAnswer {
        customer: customer.as_str().to_string(),
        exported_at: Time((services.clock)()),
        view: CustomerAnswer::of(&view, origin.revision()),
        consent_history: view.consent_history.iter().map(ConsentAnswer::of).collect(),
        contacts: all_contacts(&services, &customer).await?,
        decisions: all_decisions(&services, &customer).await?,
    };
    Ok(reply::of_customer(origin, &answer))
}

async fn all_contacts(services: &Services, customer: &CustomerId) -> Result<Vec<ContactAnswer>, Problem> {
    let (key, mut page, mut contacts) = (key(customer), from_the_latest(), Vec::new());
    loop {
        let rows = services.store.contacts(&key, page.clone()).await?;
        for row in &rows {
            contacts.push(contact(services, row)?);
        }
        match full(&rows, page.rows_max) {
            Some(last) => page = Page { after: Some((last.at_ms, last.contact_id.clone())), ..page },
            None => return Ok(contacts),
        }
    }
}

async fn all_decisions(services: &Services, customer: &CustomerId) -> Result<Vec<DecisionAnswer>, Problem> {
    let (key, mut page, mut decisions) = (key(customer), from_the_latest(), Vec::new());
    loop {
        let rows = services.store.decisions(&key, page.clone()).await?;
        for row in &rows {
            decisions.push(decision(customer, row)?);
        }
        match full(&rows, page.rows_max) {
            Some(last) => page = Page { after: Some((last.at_ms, last.decision_id.clone())), ..page },
            None => return Ok(decisions),
        }
    }
}

fn contact(services: &Services, row: &ContactRow) -> Result<ContactAnswer, Problem> {
    Ok(ContactAnswer::of(&view_of_row(&row.body, (services.clock)())?))
}

fn decision(customer: &CustomerId, row: &DecisionRow) -> Result<DecisionAnswer, Problem> {
    Ok(DecisionAnswer::of(customer, &LoggedDecision::decode(&row.body)?.decision))
}

/// The last row of a full page: there may be more.
fn full<R>(rows: &[R], rows_max: usize) -> Option<&R> {
    rows.last().filter(|_| rows.len() == rows_max)
}

fn key(customer: &CustomerId) -> CustomerKey {
    CustomerKey { hash: customer.hash64(), id: customer.to_arc() }
}
