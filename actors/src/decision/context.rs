//! The facts of one decision: the customer's tags (or none of them), the moment's context, and the offer at hand.

use crate::call::DecisionRequest;
use crate::customer::Customer;
use crate::customer::contact_history::Contact;
use crate::decision::Basis;
use crate::playbook::{Facts, Offer, Playbook, Scalar, TagNumber, TagValue};
use crate::timestamp::Timestamp;

/// Fields of `c.*` that say something of the offer at hand. All others are the same for every offer of a decision.
pub const OF_THE_OFFER: [&str; 6] = ["purpose", "owner", "offer", "family", "group", "kind"];

/// What the rules of a decision may read.
#[derive(Clone, Copy)]
pub struct CaseFacts<'a> {
    /// Whose decision.
    pub customer: &'a Customer,
    /// Declares the tags.
    pub playbook: &'a Playbook,
    /// What was asked.
    pub request: &'a DecisionRequest,
    /// Without consent to profiling every tag is missing.
    pub basis: Basis,
    /// Now.
    pub now: Timestamp,
    /// The offer at hand, if the rule is about one.
    pub offer: Option<&'a Offer>,
}

impl<'a> CaseFacts<'a> {
    /// The same facts with an offer at hand.
    #[must_use]
    pub fn with<'b>(self, offer: &'b Offer) -> CaseFacts<'b>
    where
        'a: 'b,
    {
        CaseFacts { offer: Some(offer), ..self }
    }
}

impl Facts for CaseFacts<'_> {
    fn tag(&self, tag: TagNumber) -> Option<&TagValue> {
        match self.basis {
            Basis::Full => self.customer.fresh_tag(tag, self.playbook, self.now),
            Basis::ContextOnly => None,
        }
    }

    fn context(&self, path: &str) -> Option<Scalar<'_>> {
        let text = |text| Some(Scalar::Text(text));
        match path {
            "channel" => text(&self.request.channel),
            "placement" => self.request.placement.as_deref().and_then(text),
            "direction" => text(self.request.direction.word()),
            "purpose" => self
                .offer
                .map(|offer| &offer.purpose)
                .or(self.request.purpose.as_ref())
                .and_then(|it| text(it)),
            "line" => self.request.line.as_deref().and_then(text),
            "provider" => {
                text(self.playbook.provider(&self.request.channel).unwrap_or(&self.request.channel))
            }
            "owner" => self.offer.and_then(|offer| text(&offer.owner)),
            "offer" => self.offer.and_then(|offer| text(&offer.id)),
            "family" => self.offer.and_then(|offer| text(&offer.family)),
            "group" => self.offer.and_then(|offer| text(&offer.group)),
            "kind" => self.offer.and_then(|offer| text(offer.kind.word())),
            _ => self.request.context.at(path).and_then(Scalar::of),
        }
    }

    fn owns(&self, product: &str) -> bool {
        self.customer.owns(product)
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

/// What a rule may read of a contact made before: what it was, not whom it went to.
pub struct ContactFacts<'a>(&'a Contact);

impl<'a> ContactFacts<'a> {
    /// The facts of a contact.
    #[must_use]
    pub fn of(contact: &'a Contact) -> Self {
        ContactFacts(contact)
    }

    /// A field of the contact, by its name.
    #[must_use]
    pub fn field(&self, path: &str) -> Option<Scalar<'a>> {
        let text = |text| Some(Scalar::Text(text));
        match path {
            "channel" => text(&self.0.channel),
            "direction" => text(self.0.direction.word()),
            "purpose" => text(&self.0.purpose),
            "line" => self.0.line.as_deref().and_then(text),
            "provider" => text(self.0.provider()),
            "owner" => text(&self.0.owner),
            "offer" => text(&self.0.offer),
            "family" => text(&self.0.family),
            "group" => text(&self.0.group),
            "kind" => text(&self.0.kind),
            _ => None,
        }
    }
}

impl Facts for ContactFacts<'_> {
    fn tag(&self, _tag: TagNumber) -> Option<&TagValue> {
        None
    }

    fn context(&self, path: &str) -> Option<Scalar<'_>> {
        self.field(path)
    }

    fn owns(&self, _product: &str) -> bool {
        false
    }

    fn now(&self) -> Timestamp {
        self.0.reserved_at
    }
}
