//! What was learned from responses, shown.

use crate::http::error::Problem;
use crate::http::{Services, reply};
use crate::wire::learning::{LearnedAnswer, LearningAnswer, LearningQuery, PAIRS_MAX};
use actix_web::{HttpResponse, web};
use actors::decision::propensity::probability;
use actors::learning::Outcomes;
use actors::playbook::active::Active;
use actors::{Name, playbook::Playbook};

/// Pairs shown when the query does not say.
const PAIRS_DEFAULT: usize = 1_000;

/// `GET /v1/learning`
///
/// # Errors
/// 400 `bad_limit`, 404 `no_playbook` before the first.
pub async fn show(
    services: web::Data<Services>,
    query: web::Query<LearningQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let limit = query.limit.unwrap_or(PAIRS_DEFAULT);
    if !(1..=PAIRS_MAX).contains(&limit) {
        return Err(Problem::bad("bad_limit", format!("limit must be 1 to {PAIRS_MAX}")));
    }
    let Some((active, standing)) = services.dispatch.learning() else {
        return Err(Problem::missing("no_playbook", "no playbook is in force; post one to /v1/playbooks"));
    };
    let mut items = items(&active, &query, limit + 1);
    let truncated = items.len() > limit;
    items.truncate(limit);
    let strength = active.playbook.learning.strength();
    Ok(reply::json(&LearningAnswer {
        enabled: strength.is_some(),
        strength,
        evidence: active.priors.evidence().cloned(),
        counted: standing.changes,
        waiting: standing.waiting,
        items,
        truncated,
    }))
}

fn items(active: &Active, query: &LearningQuery, limit: usize) -> Vec<LearnedAnswer> {
    let Some(table) = &active.evidence else { return Vec::new() };
    let asked =
        |wanted: &Option<String>, name: &Name| wanted.as_ref().is_none_or(|wanted| **wanted == **name);
    let pairs = table.counts().iter();
    let pairs =
        pairs.filter(|(offer, channel, _)| asked(&query.offer, offer) && asked(&query.channel, channel));
    let known = pairs.filter_map(|(offer, channel, seen)| {
        let ix = active.playbook.offer_ix(offer)?;
        Some(item(&active.playbook, ix, channel, seen, active.priors.prior_logit(ix, channel)))
    });
    known.take(limit).collect()
}

fn item(playbook: &Playbook, ix: usize, channel: &Name, seen: Outcomes, prior_logit: f64) -> LearnedAnswer {
    let offer = &playbook.offers[ix];
    LearnedAnswer {
        offer: offer.id.clone(),
        channel: channel.clone(),
        prior: offer.prior_in(channel),
        shown: seen.shown(),
        clicked: seen.clicked(),
        accepted: seen.accepted(),
        learned: probability(prior_logit),
    }
}
