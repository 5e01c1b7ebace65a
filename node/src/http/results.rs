//! Looking back: contacts, decisions, and why one was taken.

use crate::http::channel::logged;
use crate::http::customers::view;
use crate::http::error::Problem;
use crate::http::history::History;
use crate::http::{Services, reply, request};
use crate::wire::customer::ContactAnswer;
use crate::wire::decision::DecisionAnswer;
use crate::wire::explanation::ExplanationAnswer;
use crate::wire::past::{ContactsPage, DecisionsPage, OfferQuery, PageQuery, write_cursor};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::customer::contact_history::view_of_row;
use actors::customer::view::CustomerView;
use actors::decision::log::LoggedDecision;
use actors::learning::PriorTable;
use actors::playbook::Playbook;
use actors::region::evidence::evidence_table;
use std::sync::Arc;
use storage::{ContactRow, DecisionRow};

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
    let (origin, view) = view(&services, &customer).await?;
    let found = History::of(&view).contacts(&*services.store, &page).await?;
    let next_cursor = found.next.map(|(at_ms, id)| write_cursor(at_ms, &id));
    let contacts = found.rows.iter().map(|row| contact(&services, row)).collect::<Result<_, _>>()?;
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
    let (origin, view) = view(&services, &customer).await?;
    let found = History::of(&view).decisions(&*services.store, &page).await?;
    let next_cursor = found.next.map(|(at_ms, id)| write_cursor(at_ms, &id));
    let decisions = found.rows.iter().map(|row| decision(&view, row)).collect::<Result<_, _>>()?;
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
    let (origin, view) = view(&services, &customer).await?;
    let (customer, logged) = logged(&services, &History::of(&view), &decision_id).await?;
    let playbook = services.playbooks.by_id(&logged.decision.playbook).await?;
    let priors = priors(&services, &playbook, logged.evidence.as_deref()).await?;
    let offer = query.into_inner().offer;
    // Walking every offer of a large catalogue takes a while: not on the thread that serves others.
    let explained = web::block(move || {
        let explanation = logged.explain(&customer, &playbook, &priors)?;
        let answer = ExplanationAnswer::of(&customer, &logged.request, &explanation, offer.as_deref());
        answer.ok_or_else(|| Problem::missing("unknown_offer", "the decision's playbook has no such offer"))
    });
    let answer = explained.await.map_err(|error| Problem::ours("internal", error.to_string()))??;
    Ok(reply::of_customer(origin, &answer))
}

/// The priors that a decision was taken with.
async fn priors(
    services: &Services,
    playbook: &Playbook,
    evidence: Option<&str>,
) -> Result<Arc<PriorTable>, Problem> {
    Ok(Arc::new(match evidence {
        None => PriorTable::written(playbook),
        Some(id) => PriorTable::learned(playbook, &evidence_table(&*services.store, id).await?),
    }))
}

pub(super) fn contact(services: &Services, row: &ContactRow) -> Result<ContactAnswer, Problem> {
    Ok(ContactAnswer::of(&view_of_row(&row.body, (services.clock)())?))
}

fn decision(view: &CustomerView, row: &DecisionRow) -> Result<DecisionAnswer, Problem> {
    Ok(DecisionAnswer::of(&view.customer, &LoggedDecision::decode(&row.body)?.decision))
}
