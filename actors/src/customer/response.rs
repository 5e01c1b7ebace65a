//! What a response does: moves the contact on, suppresses what was refused, and ends what stood.

use crate::call::{Direction, Refusal, Reply, Response, ResponseBy, ResponseKind, ResponseOutcome};
use crate::customer::contact_history::{Contact, Hearing};
use crate::customer::dedupe::IdHash;
use crate::customer::feedback::AgentFeedback;
use crate::customer::patch::plausible_time;
use crate::customer::refusal::{Said, Subject};
use crate::customer::{Customer, Outcome, Turn, change, learns_in};
use crate::decision::totals::{Unit, UnitMoves};
use crate::learning::{Change, Outcomes};
use crate::playbook::Playbook;
use crate::value::Name;

impl Customer {
    pub(super) fn on_response(&mut self, response: &Response, turn: Turn<'_>) -> Outcome {
        let playbook = &turn.active.playbook;
        let at = response.at.unwrap_or(turn.now);
        if let Err(refusal) = plausible_time(at, turn.now) {
            return Outcome::unchanged(Reply::Refused(refusal));
        }
        let target = match self.target(response, playbook) {
            Ok(target) => target,
            Err(refusal) => return Outcome::unchanged(Reply::Refused(refusal)),
        };
        let hash = identity(response, &target);
        if hash.is_some_and(|hash| self.recent.knows_response(hash)) {
            return Outcome::unchanged(Reply::Response(ResponseOutcome {
                contact_state: self.state_of(&target, turn),
                detail: Some("heard before".to_owned()),
                ..ResponseOutcome::default()
            }));
        }
        if let Some(hash) = hash {
            self.recent.hear_response(hash, turn.now);
        }
        let contact = target.contact.as_ref().and_then(|id| self.contacts.get_mut(id));
        let before = contact.as_ref().map(|contact| contact.outcomes());
        let mut units = UnitMoves::default();
        let (hearing, moved) = match contact {
            Some(contact) => {
                let held: Vec<Unit> = contact.units_held().cloned().collect();
                let hearing = contact.hear(response.kind, at);
                units.given_back.extend(
                    held.iter().filter(|unit| !contact.units_held().any(|now| now == *unit)).cloned(),
                );
                units.owed.extend(contact.units_held().filter(|unit| !held.contains(unit)).cloned());
                (hearing, Some(contact.clone()))
            }
            None => (Hearing::First, None),
        };
        let evidence = self.evidence_of(response, &target, moved.as_ref().zip(before), playbook);
        let news = hearing != Hearing::HeardBefore;
        let moved = moved.filter(|_| news);
        // The same word about the same contact counts once, whatever times it comes with.
        let suppressed = match hearing {
            Hearing::First => {
                let said = Said { kind: response.kind, by: response.by, at };
                self.refusals.hear(said, &target.subject, &playbook.suppress)
            }
            Hearing::EarlierThanKnown | Hearing::HeardBefore => Vec::new(),
        };
        if news {
            self.changed_for_decisions();
        }
        if news && response.by == ResponseBy::Agent {
            let offer = Name::clone(&target.subject.offer);
            let reason = response.reason.as_deref().map(Name::from);
            self.feedback.note(AgentFeedback { offer, kind: response.kind, reason, at });
        }
        let reply = Reply::Response(ResponseOutcome {
            applied: news,
            contact_state: self.state_of(&target, turn),
            suppressed,
            detail: (!news).then(|| "heard before".to_owned()),
        });
        Outcome {
            contacts: moved.into_iter().collect(),
            changed: news || hash.is_some(),
            evidence: evidence.into_iter().collect(),
            units,
            ..Outcome::unchanged(reply)
        }
    }

    /// What the response adds to the counts: of a contact we began, what it made of it; of a number one shown when the
    /// customer came to us, what is news.
    fn evidence_of(
        &mut self,
        response: &Response,
        target: &Target,
        contact: Option<(&Contact, Outcomes)>,
        playbook: &Playbook,
    ) -> Option<Change> {
        if let Some((contact, before)) =
            contact.filter(|(contact, _)| contact.direction == Direction::Outbound)
        {
            let outcomes = contact.outcomes().since(before);
            let learns = learns_in(playbook, &contact.channel);
            return change(&contact.offer, &contact.channel, outcomes).filter(|_| learns);
        }
        let of_contact = contact.map(|(contact, _)| contact.decision_id.as_str());
        let decision_id = response.decision_id.as_deref().or(of_contact)?;
        let offer = &target.subject.offer;
        let tells = matches!(response.kind, ResponseKind::Clicked | ResponseKind::Accepted);
        if !tells || !self.exposures.knows(offer) {
            return None;
        }
        let (channel, outcomes) = self.exposures.hear(offer, decision_id, response.kind)?;
        change(offer, &channel, outcomes).filter(|_| learns_in(playbook, &channel))
    }

    /// The contact and the offer that a response is about.
    fn target(&self, response: &Response, playbook: &Playbook) -> Result<Target, Refusal> {
        let refused = |code, detail: String| Err(Refusal { code, detail });
        let contact = match (&response.contact_id, &response.decision_id) {
            (Some(id), _) => match self.contacts.iter().find(|contact| contact.id == *id) {
                Some(contact) => Some(contact),
                None => return refused("unknown_contact", format!("this customer has no contact {id}")),
            },
            (None, Some(id)) => self.contacts.of_decision(id, response.offer.as_deref()),
            (None, None) => {
                return refused("nothing_named", "name the contact_id or the decision_id".to_owned());
            }
        };
        if let Some(contact) = contact {
            let named = response.offer.as_deref().unwrap_or(&contact.offer);
            if *named != *contact.offer {
                return refused(
                    "wrong_offer",
                    format!("contact {} is about {}, not {named}", contact.id, contact.offer),
                );
            }
            let subject = Subject {
                offer: Name::clone(&contact.offer),
                family: Name::clone(&contact.family),
                group: Name::clone(&contact.group),
                owner: Name::clone(&contact.owner),
            };
            return Ok(Target { contact: Some(contact.id.clone()), subject });
        }
        let standing = || {
            let of_decision = |standing: &&crate::decision::standing::Standing| {
                Some(&standing.decision_id) == response.decision_id.as_ref()
            };
            self.standing.iter().find(of_decision).map(|standing| &*standing.offer)
        };
        let Some(offer) = response.offer.as_deref().or_else(standing) else {
            return refused("offer_needed", "name the offer: the decision had several".to_owned());
        };
        match playbook.offer(offer) {
            Some(offer) => Ok(Target { contact: None, subject: Subject::from(offer) }),
            None => refused("unknown_offer", format!("the active playbook has no offer {offer}")),
        }
    }

    fn state_of(&self, target: &Target, turn: Turn<'_>) -> Option<&'static str> {
        let id = target.contact.as_ref()?;
        let contact = self.contacts.iter().find(|contact| contact.id == *id)?;
        Some(contact.state(turn.now))
    }
}

/// What tells a repeated response: its own id, or, where neither an id nor a contact does, what it says of which offer of
/// which decision.
fn identity(response: &Response, target: &Target) -> Option<IdHash> {
    if let Some(id) = &response.response_id {
        return Some(IdHash::response(id));
    }
    let decision = response.decision_id.as_deref().filter(|_| target.contact.is_none())?;
    Some(IdHash::nameless_response(decision, &target.subject.offer, response.kind.word()))
}

/// What a response is about.
struct Target {
    contact: Option<String>,
    subject: Subject,
}
