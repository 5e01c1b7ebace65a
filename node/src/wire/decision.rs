//! Decisions: the question and the answer.

use crate::wire::bounds::{self, NAME_BYTES_MAX};
use crate::wire::time::Time;
use crate::wire::value;
use actors::Name;
use actors::call::{CustomerId, DecisionRequest, Direction};
use actors::decision::{Decision, ITEMS_MAX, Item, Lineage, Reason, Treatment, Withheld};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// The longest id a request may carry, in bytes: it is remembered with the customer.
pub const REQUEST_ID_BYTES_MAX: usize = 256;

/// A question for the next best action.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct DecisionQuestion {
    /// Where the answer will be shown or sent.
    pub channel: Name,
    /// The place within the channel.
    pub placement: Option<Name>,
    /// Who began; inbound when left out.
    pub direction: Option<DirectionWord>,
    /// Only offers of this purpose.
    pub purpose: Option<Name>,
    /// What is known of the moment.
    pub context: Option<Map<String, Json>>,
    /// How many items at most, 1 to 13; 13 when left out.
    #[schemars(range(min = 1, max = 13))]
    pub limit: Option<i64>,
    /// The same id gets the same answer.
    pub request_id: Option<String>,
    /// The customer's line or device that the answer is for; `line` of the context when left out.
    pub line: Option<Name>,
}

/// Who began a conversation.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DirectionWord {
    /// The customer came to us.
    Inbound,
    /// We go to the customer.
    Outbound,
}

/// Why a question or a response can't be asked: a code and a sentence.
pub type Bad = (&'static str, String);

impl DecisionQuestion {
    /// The question as the actors know it.
    ///
    /// # Errors
    /// `bad_limit`, `bad_channel`, `id_too_long`, `text_too_long`, `context_too_large`.
    pub fn into_request(self) -> Result<DecisionRequest, Bad> {
        let limit = usize::try_from(self.limit.unwrap_or(ITEMS_MAX as i64)).unwrap_or(0);
        if !(1..=ITEMS_MAX).contains(&limit) {
            return Err(("bad_limit", format!("limit must be 1 to {ITEMS_MAX}")));
        }
        if self.channel.is_empty() {
            return Err(("bad_channel", "channel is empty".into()));
        }
        if self.request_id.as_ref().is_some_and(|id| id.len() > REQUEST_ID_BYTES_MAX) {
            return Err(("id_too_long", format!("request_id is longer than {REQUEST_ID_BYTES_MAX} bytes")));
        }
        let context = self.context.unwrap_or_default();
        let of_context = || context.get("line").and_then(Json::as_str).map(Name::from);
        let line = self.line.or_else(of_context).filter(|line| !line.is_empty());
        let named = [("channel", Some(&self.channel)), ("placement", self.placement.as_ref())];
        for (field, name) in
            named.into_iter().chain([("purpose", self.purpose.as_ref()), ("line", line.as_ref())])
        {
            let name = name.map_or("", |name| name);
            bounds::text(field, name, NAME_BYTES_MAX).map_err(|detail| ("text_too_long", detail))?;
        }
        bounds::context(&context).map_err(|detail| ("context_too_large", detail))?;
        Ok(DecisionRequest {
            channel: self.channel,
            placement: self.placement,
            direction: match self.direction {
                Some(DirectionWord::Outbound) => Direction::Outbound,
                Some(DirectionWord::Inbound) | None => Direction::Inbound,
            },
            purpose: self.purpose,
            context: value::from_json(Json::Object(context)),
            limit,
            request_id: self.request_id,
            line,
        })
    }
}

/// A decision.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DecisionAnswer {
    /// Unique.
    pub decision_id: String,
    /// For whom.
    pub customer: String,
    /// When it was taken.
    pub at: Time,
    /// Until when it stands.
    pub expires_at: Time,
    /// The playbook it was taken with.
    pub playbook: Name,
    /// Where it is shown or sent.
    pub channel: Name,
    /// inbound or outbound.
    pub direction: &'static str,
    /// optimised, test or control.
    pub arm: &'static str,
    /// The experiment the customer takes part in, and the arm dealt to them.
    pub experiment: Option<TreatmentAnswer>,
    /// full or context_only.
    pub basis: &'static str,
    /// Best first.
    pub items: Vec<ItemAnswer>,
    /// Why other offers were held back.
    pub withheld: Vec<WithheldAnswer>,
    /// When the first offer that only a cap or quiet hours held back becomes possible.
    pub next_free_at: Option<Time>,
    /// The decision whose number one this one repeats.
    pub lineage: Option<LineageAnswer>,
    /// The line it is for.
    pub line: Option<Name>,
}

/// An experiment and an arm.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TreatmentAnswer {
    /// The experiment's id.
    pub id: Name,
    /// The arm's id.
    pub arm: Name,
}

impl TreatmentAnswer {
    fn of(treatment: &Treatment) -> Self {
        TreatmentAnswer { id: treatment.experiment.clone(), arm: treatment.arm.clone() }
    }
}

/// One chosen offer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ItemAnswer {
    /// 1 is the best.
    pub rank: usize,
    /// The offer's id.
    pub offer: Name,
    /// offer, service, retention, info or survey.
    pub kind: Name,
    /// What the channel does with it.
    pub action: Name,
    /// The reserved contact.
    pub contact_id: Option<String>,
    /// P.
    pub propensity: f64,
    /// C.
    pub context_weight: f64,
    /// V, in units of the active KPI.
    pub value: f64,
    /// L.
    pub lever: f64,
    /// P x C x V x L.
    pub priority: f64,
    /// The probability with which this item was put at this rank.
    pub shown_probability: f64,
    /// In the tenant's currency.
    pub price: Option<f64>,
    /// Content for the channel.
    pub content: Json,
    /// What an agent can say.
    pub script: String,
    /// The strongest reasons.
    pub reasons: Vec<ReasonAnswer>,
    /// What the partner pays for it; null for an offer of our own.
    pub partner_pays: Option<f64>,
}

/// A reason in plain words.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ReasonAnswer {
    /// For an agent or the customer.
    pub text: String,
    /// The tag behind it.
    pub tag: Option<Name>,
    /// Its share of the log-odds.
    pub contribution: f64,
}

/// Why some offers were held back.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WithheldAnswer {
    /// The reason's code.
    pub code: Name,
    /// How many offers it held back.
    pub offers: usize,
    /// For code `cap`: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap: Option<Name>,
    /// For code `cap`: contacts that count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<u32>,
    /// For code `cap`: how many may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// When it ends, if it does by itself.
    pub next_free_at: Option<Time>,
}

/// Where a repeated number one comes from.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LineageAnswer {
    /// The first decision that put this offer first.
    pub decision_id: String,
    /// When.
    pub at: Time,
    /// In which channel.
    pub channel: Name,
    /// When and by which channel the customer was told already.
    pub told: Option<ToldAnswer>,
}

/// When and by which channel a customer was told.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ToldAnswer {
    /// By which channel.
    pub channel: Name,
    /// When.
    pub at: Time,
}

impl DecisionAnswer {
    /// A customer's decision for the wire.
    #[must_use]
    pub fn of(customer: &CustomerId, decision: &Decision) -> Self {
        DecisionAnswer {
            decision_id: decision.decision_id.clone(),
            customer: customer.as_str().to_string(),
            at: Time(decision.at),
            expires_at: Time(decision.expires_at),
            playbook: decision.playbook.clone(),
            channel: decision.channel.clone(),
            direction: decision.direction.word(),
            arm: decision.arm.word(),
            experiment: decision.experiment.as_ref().map(TreatmentAnswer::of),
            basis: decision.basis.word(),
            items: decision.items.iter().map(ItemAnswer::of).collect(),
            withheld: decision.withheld.iter().map(WithheldAnswer::of).collect(),
            next_free_at: decision.next_free_at.map(Time),
            lineage: decision.lineage.as_ref().map(LineageAnswer::of),
            line: decision.line.clone(),
        }
    }
}

impl ItemAnswer {
    fn of(item: &Item) -> Self {
        ItemAnswer {
            rank: item.rank,
            offer: item.offer.clone(),
            kind: item.kind.clone(),
            action: item.action.clone(),
            contact_id: item.contact_id.clone(),
            propensity: item.propensity,
            context_weight: item.context_weight,
            value: item.value,
            lever: item.lever,
            priority: item.priority,
            shown_probability: item.shown_probability,
            price: item.price,
            content: value::to_json(&item.content),
            script: item.script.clone(),
            reasons: item.reasons.iter().map(ReasonAnswer::of).collect(),
            partner_pays: item.partner_pays,
        }
    }
}

impl ReasonAnswer {
    fn of(reason: &Reason) -> Self {
        ReasonAnswer { text: reason.text.clone(), tag: reason.tag.clone(), contribution: reason.contribution }
    }
}

impl WithheldAnswer {
    fn of(withheld: &Withheld) -> Self {
        let cap = withheld.cap.as_ref();
        WithheldAnswer {
            code: withheld.code.clone(),
            offers: withheld.offers,
            cap: cap.map(|cap| cap.id.clone()),
            used: cap.map(|cap| cap.used),
            limit: cap.map(|cap| cap.limit),
            next_free_at: withheld.next_free_at.or(cap.and_then(|cap| cap.next_free_at)).map(Time),
        }
    }
}

impl LineageAnswer {
    fn of(lineage: &Lineage) -> Self {
        let told = lineage.told.as_ref();
        LineageAnswer {
            decision_id: lineage.decision_id.clone(),
            at: Time(lineage.at),
            channel: lineage.channel.clone(),
            told: told.map(|(channel, at)| ToldAnswer { channel: channel.clone(), at: Time(*at) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actors::Timestamp;
    use actors::decision::CapUse;
    use serde_json::json;

    fn read(json: Json) -> Result<DecisionRequest, Bad> {
        serde_json::from_value::<DecisionQuestion>(json).unwrap().into_request()
    }

    #[test]
    fn what_a_question_leaves_out_has_its_default() {
        let request = read(json!({"channel": "app", "unknown": 1})).unwrap();
        assert_eq!((request.limit, request.direction), (13, Direction::Inbound));
        assert_eq!((request.purpose, request.context), (None, actors::Value::Map(Default::default())));
        let line = |question| read(question).unwrap().line;
        assert_eq!(line(json!({"channel": "app"})), None);
        assert_eq!(line(json!({"channel": "app", "context": {"line": "fixed"}})), Some("fixed".into()));
        assert_eq!(
            line(json!({"channel": "app", "line": "m", "context": {"line": "fixed"}})),
            Some("m".into())
        );
        let request = read(json!({"channel": "sms", "direction": "outbound", "limit": 1})).unwrap();
        assert_eq!((request.limit, request.direction), (1, Direction::Outbound));
    }

    #[test]
    fn a_question_out_of_bounds_is_refused_by_name() {
        let check = |json: Json, code: &str| assert_eq!(read(json.clone()).unwrap_err().0, code, "{json}");
        for limit in [0, 14, -1, i64::MAX] {
            check(json!({"channel": "app", "limit": limit}), "bad_limit");
        }
        check(json!({"channel": ""}), "bad_channel");
        check(json!({"channel": "app", "request_id": "x".repeat(257)}), "id_too_long");
        check(json!({"channel": "app", "line": "x".repeat(129)}), "text_too_long");
    }

    #[test]
    fn a_cap_that_held_offers_back_is_told_in_one_flat_entry() {
        let at = Timestamp::parse("2026-04-01T00:00:00Z").unwrap();
        let cap = CapUse { id: "month4".into(), used: 4, limit: 4, next_free_at: Some(at) };
        let check = |withheld: Withheld, expected: Json| {
            assert_eq!(serde_json::to_value(WithheldAnswer::of(&withheld)).unwrap(), expected);
        };
        check(
            Withheld { code: "cap".into(), offers: 2, cap: Some(cap), next_free_at: None },
            json!({"code": "cap", "offers": 2, "cap": "month4", "used": 4, "limit": 4,
                   "next_free_at": "2026-04-01T00:00:00Z"}),
        );
        check(
            Withheld { code: "consent".into(), offers: 1, cap: None, next_free_at: None },
            json!({"code": "consent", "offers": 1, "next_free_at": null}),
        );
    }
}
