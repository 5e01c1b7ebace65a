//! What became of every offer in a decision, and why: taken from the log and replayed.

use crate::call::DecisionRequest;
use crate::customer::Customer;
use crate::decision::arbitration::Scored;
use crate::decision::candidates::{Case, Reason};
use crate::decision::propensity::{PropensityModel, Term};
use crate::decision::walk::{rank, screen_all};
use crate::decision::{CapUse, Decision, Moment, lead, question, standing_for};
use crate::playbook::{Offer, Playbook, Verdict};
use crate::timestamp::Timestamp;
use crate::value::Name;

/// A logged decision, replayed with the fate of each offer.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The decision as logged.
    pub decision: Decision,
    /// The models that gave probabilities, and the evidence their priors were moved by: `affinity-1`,
    /// `evidence:<id>`.
    pub models: Vec<String>,
    /// Whether the replay gave the same bytes as the log. False is an alarm.
    pub replay_matches: bool,
    /// Every offer of the playbook, sorted by rank, then by how far it came, then by id.
    pub fates: Vec<Fate>,
}

/// What became of one offer.
#[derive(Clone, Debug, PartialEq)]
pub struct Fate {
    /// The offer's id.
    pub offer: Name,
    /// The stage at which it left, or `shown`.
    pub stage: Stage,
    /// The reason's code; `shown` when it was.
    pub code: &'static str,
    /// The failing predicate as its author wrote it.
    pub needed: Option<String>,
    /// What was found instead.
    pub actual: Option<String>,
    /// The cap that held it back.
    pub cap: Option<CapUse>,
    /// Every cap that is about it, and how far each is used.
    pub caps: Vec<CapUse>,
    /// When it becomes possible by itself.
    pub next_free_at: Option<Timestamp>,
    /// Its score, when it came that far.
    pub score: Option<Score>,
    /// Its place in the list.
    pub rank: Option<usize>,
}

/// P x C x V x L, and what P is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// P.
    pub propensity: f64,
    /// C.
    pub context_weight: f64,
    /// V.
    pub value: f64,
    /// L.
    pub lever: f64,
    /// P x C x V x L.
    pub priority: f64,
    /// Log-odds of the prior.
    pub prior_logit: f64,
    /// Each tag's share of the log-odds; with `prior_logit` they add up to logit P. Private tags are named
    /// `private`.
    pub contributions: Vec<(Name, f64)>,
}

/// The stages of a decision, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Dates, channel, direction and purpose.
    Validity,
    /// Consent for purpose and channel.
    Consent,
    /// The campaign calendar.
    Calendar,
    /// May have it.
    Eligible,
    /// Makes sense now.
    Applicable,
    /// Right for them.
    Suitable,
    /// Refusals and suppression.
    Refusal,
    /// Frequency caps.
    Caps,
    /// Quiet hours.
    QuietHours,
    /// Control groups.
    Holdout,
    /// Value and priority.
    Score,
    /// At most so many of a family.
    Diversity,
    /// The best of the rest.
    Top,
    /// In the list.
    Shown,
}

/// Tells the fate of every offer in a decision just replayed.
pub(crate) fn explain(
    customer: &Customer,
    playbook: &Playbook,
    request: &DecisionRequest,
    moment: &Moment,
    decision: Decision,
    replay_matches: bool,
) -> Explanation {
    let case = Case::new(customer, playbook, request, moment);
    let screened = screen_all(&case);
    let lead = lead(&case, standing_for(&case, &question(&case)));
    let ranking = rank(&case, &screened.survivors, request.limit, lead);
    let place = |ix: usize| decision.items.iter().find(|item| item.offer == playbook.offers[ix].id);
    let mut fates: Vec<Fate> = Vec::with_capacity(playbook.offers.len());
    for (ix, reason) in screened.dropped.iter().chain(&ranking.worthless) {
        fates.push(dropped(&case, *ix, *reason));
    }
    let scored = ranking.lead.iter().chain(&ranking.list).map(|one| (one, Reason::Outranked));
    for (one, reason) in scored.chain(ranking.beaten.iter().map(|(one, reason)| (one, *reason))) {
        let fate = dropped(&case, one.ix, reason);
        let score = Some(score(&case, one));
        fates.push(match place(one.ix) {
            Some(item) => Fate { stage: Stage::Shown, code: "shown", rank: Some(item.rank), score, ..fate },
            None => Fate { score, ..fate },
        });
    }
    fates.sort_by(|a, b| {
        let key = |fate: &Fate| (fate.rank.unwrap_or(usize::MAX), std::cmp::Reverse(fate.stage));
        key(a).cmp(&key(b)).then_with(|| a.offer.cmp(&b.offer))
    });
    Explanation { decision, models: models(&case, moment), replay_matches, fates }
}

fn models(case: &Case<'_>, moment: &Moment) -> Vec<String> {
    let evidence = moment.priors.evidence().map(|id| format!("evidence:{id}"));
    std::iter::once(case.model().id()).chain(evidence).collect()
}

fn dropped(case: &Case<'_>, ix: usize, reason: Reason) -> Fate {
    let offer = &case.facts.playbook.offers[ix];
    let (stage, code) = reason.code();
    let (needed, actual) = words(case, offer, reason);
    let cap = match reason {
        Reason::Cap(ix) | Reason::ReservePrice(ix) => Some(case.full_cap(ix).clone()),
        _ => None,
    };
    let next_free_at = match reason {
        Reason::QuietHours(until) | Reason::Suppressed(until) => Some(until),
        Reason::Closed { opens_at } => opens_at,
        _ => cap.as_ref().and_then(|cap| cap.next_free_at),
    };
    Fate {
        offer: Name::clone(&offer.id),
        stage,
        code,
        needed,
        actual,
        cap,
        caps: case.caps_about(offer).cloned().collect(),
        next_free_at,
        score: None,
        rank: None,
    }
}

/// What was needed and what was found, for people.
fn words(case: &Case<'_>, offer: &Offer, reason: Reason) -> (Option<String>, Option<String>) {
    let said = |needed: String, actual: String| (Some(needed), Some(actual));
    let request = case.facts.request;
    match reason {
        Reason::Rule(layer) | Reason::MissingTag(layer) => {
            let facts = case.facts.with(offer);
            match layer.rule(offer).map(|rule| rule.check(&facts, &case.facts.playbook.dictionary)) {
                Some(Verdict::Fail { needed, actual }) => said(needed, actual),
                Some(Verdict::Missing { name }) => said(name.clone(), format!("{name} is not known")),
                Some(Verdict::Pass) | None => (None, None),
            }
        }
        Reason::Channel => said(format!("one of {}", offer.channels.join(", ")), request.channel.to_string()),
        Reason::NoConsent => said(
            format!("consent to {} by {}", offer.purpose, request.channel),
            "no consent in force".to_owned(),
        ),
        Reason::NotYetValid => said(
            format!("from {}", offer.valid_from.map_or_else(String::new, |from| from.to_string())),
            case.facts.now.to_string(),
        ),
        Reason::NoLongerValid => said(
            format!("before {}", offer.valid_to.map_or_else(String::new, |to| to.to_string())),
            case.facts.now.to_string(),
        ),
        Reason::Paused => match case.pause_of(offer) {
            Some(pause) => said(format!("not {}", pause.when.text()), format!("paused by {}", pause.id)),
            None => (None, None),
        },
        Reason::Holdout => said(
            "not in a control group".to_owned(),
            case.holdout.map_or_else(String::new, |holdout| format!("in control group {}", holdout.id)),
        ),
        Reason::NotFinite => said(
            format!("a finite number for {}", case.facts.playbook.kpi),
            format!(
                "{} divides by zero or grows beyond all numbers",
                offer.value.as_ref().map_or("the priority", |it| it.text())
            ),
        ),
        Reason::NoValue => said(
            format!("a value above 0 for {}", case.facts.playbook.kpi),
            offer.value.as_ref().map_or("no value formula".to_owned(), |formula| {
                let value = formula.value(&case.facts.with(offer));
                value.map_or("a tag of the formula is missing".to_owned(), |value| value.to_string())
            }),
        ),
        _ => extras_words(case, offer, reason),
    }
}

/// The same for what few offers declare.
fn extras_words(case: &Case<'_>, offer: &Offer, reason: Reason) -> (Option<String>, Option<String>) {
    let Some(extras) = offer.extras.as_deref() else { return priority_words(case, reason) };
    let said = |needed: String, actual: String| (Some(needed), Some(actual));
    let relations = &extras.relations;
    let named =
        |ids: &[Name], place: u16| ids.get(usize::from(place)).map_or_else(String::new, |id| id.to_string());
    match reason {
        Reason::NoTrigger => said("what it answers to has happened".into(), "it has not".into()),
        Reason::Expired(ended) => said(format!("before {ended}"), case.facts.now.to_string()),
        Reason::Requires(place) => {
            let id = named(&relations.requires, place);
            said(format!("owns {id}"), format!("{id} is not owned"))
        }
        Reason::Follows => {
            let ids = relations.follows.join(", ");
            said(format!("took one of {ids}"), "none of them was taken".into())
        }
        Reason::Excluded(place) => {
            let id = named(&relations.excludes, place);
            said(format!("does not own {id}"), format!("{id} is owned"))
        }
        Reason::ComponentOwned(place) => {
            let id = named(&relations.components, place);
            said(format!("does not own the component {id}"), format!("{id} is owned"))
        }
        Reason::InOwnedBundle(place) => {
            let id = named(&relations.bundles, place);
            said(format!("does not own a bundle that holds it, such as {id}"), format!("{id} is owned"))
        }
        Reason::PlaceUnknown => {
            said("context.place with lat and lon".into(), "nobody said where the customer is".into())
        }
        Reason::OutOfReach { far_m } => {
            let within_m = extras.place.map_or(0.0, |place| place.within_m);
            said(format!("within {within_m} m"), format!("{far_m} m away"))
        }
        Reason::Closed { opens_at } => {
            let opens = opens_at.map_or_else(String::new, |at| format!(", opens {at}"));
            said("open now".into(), format!("closed{opens}"))
        }
        Reason::UsageUnknown | Reason::Oversized | Reason::Undersized => {
            let Some(fit) = &extras.fit else { return (None, None) };
            let usage = fit.usage.value(&case.facts.with(offer));
            let about = fit.usage.text();
            said(
                format!("{} from {} to {} times {about}", fit.volume, fit.times_min, fit.times_max),
                usage.map_or_else(|| format!("{about} is not known"), |usage| format!("{about} is {usage}")),
            )
        }
        _ => priority_words(case, reason),
    }
}

/// The same for what is decided among offers.
fn priority_words(case: &Case<'_>, reason: Reason) -> (Option<String>, Option<String>) {
    let said = |needed: String, actual: String| (Some(needed), Some(actual));
    match reason {
        Reason::Rival(other) => {
            let id = case.facts.playbook.offers.get(other).map_or("", |offer| &*offer.id);
            said(format!("not in one list with {id}"), format!("{id} is in the list"))
        }
        Reason::ReservePrice(cap) => {
            let (cap, used) = &case.caps[cap];
            said(
                format!("a priority of {} for the last place in {}", cap.reserve.unwrap_or(0.0), cap.id),
                format!("{} of {} are used", used.used, used.limit),
            )
        }
        _ => (None, None),
    }
}

fn score(case: &Case<'_>, scored: &Scored) -> Score {
    let playbook = case.facts.playbook;
    let offer = &playbook.offers[scored.ix];
    let mut contributions = Vec::new();
    let facts = case.facts.with(offer);
    let (model, seen) = (case.model(), case.seen(scored.ix, &facts));
    model.contributions(&seen, |term, contribution| {
        let name = match term {
            Term::Tag(tag) => match playbook.tags.get(&tag).filter(|tag| !tag.private) {
                Some(tag) => Name::clone(&tag.id),
                None => "private".into(),
            },
            Term::Named(name) => name.into(),
        };
        contributions.push((name, contribution));
    });
    Score {
        propensity: scored.propensity,
        context_weight: scored.context_weight,
        value: scored.value,
        lever: scored.lever,
        priority: scored.priority,
        prior_logit: model.prior_logit(&seen),
        contributions,
    }
}
