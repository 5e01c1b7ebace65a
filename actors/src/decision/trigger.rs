//! An offer that answers to something makes sense for a time only: it is decided and sent before that ends, or not at all.

use crate::decision::candidates::Reason;
use crate::decision::context::CaseFacts;
use crate::playbook::extras::{Trigger, TriggerTime};
use crate::playbook::{Facts, Offer, Scalar, TagValue};
use crate::timestamp::Timestamp;

/// Whether the trigger has happened and still holds.
///
/// # Errors
/// [`Reason::NoTrigger`] when it has not happened (yet), [`Reason::Expired`] when it came too long ago.
pub fn check(trigger: &Trigger, facts: &CaseFacts<'_>) -> Result<(), Reason> {
    let happened = happened_at(trigger, facts).filter(|at| *at <= facts.now).ok_or(Reason::NoTrigger)?;
    let ends = happened.plus_ms(trigger.lives_ms);
    if facts.now < ends { Ok(()) } else { Err(Reason::Expired(ends)) }
}

/// The first moment at which the offer makes no sense any more; `None`: it has no trigger.
#[must_use]
pub fn ends_at(offer: &Offer, facts: &CaseFacts<'_>) -> Option<Timestamp> {
    let trigger = offer.extras.as_ref()?.trigger.as_ref()?;
    Some(happened_at(trigger, facts)?.plus_ms(trigger.lives_ms))
}

fn happened_at(trigger: &Trigger, facts: &CaseFacts<'_>) -> Option<Timestamp> {
    match &trigger.at {
        TriggerTime::Tag(tag) => match facts.tag(*tag)? {
            TagValue::Time(at) => Some(*at),
            _ => None,
        },
        TriggerTime::Context(path) => match facts.context(path)? {
            Scalar::Text(text) => Timestamp::parse(text),
            _ => None,
        },
    }
}
