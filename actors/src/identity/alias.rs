//! Making and ending an alias.
//!
//! Making: list it with the customer, point its entry there, confirm it with the customer. Ending: mark it with the customer,
//! empty its entry, drop it from the list. At every moment the list names every entry that points to the customer.

use super::{Change, Entries, noted, out_of_place, step, step_of_customer};
use crate::call::identity::{IdentityReply, IdentityStep, Via};
use crate::call::{Answer, CustomerId, Refusal, Reply};
use crate::value::Name;

/// What a change of an alias did.
#[derive(Debug)]
pub struct Aliased {
    /// The customer's last answer: who it is, and at which revision.
    pub answer: Answer,
    /// False when there was nothing to do.
    pub applied: bool,
}

/// Makes `alias` another id of a customer. Repeated, it does nothing more, but for another line.
///
/// # Errors
/// Inner: `alias_is_customer`, `alias_taken`, `too_many_aliases`, `alias_is_the_customer`, `erasure_begun`,
/// `alias_removed`. Outer: those of the turns; the same call again completes what was begun.
pub async fn add_alias<E: Entries>(
    entries: &E,
    customer: &CustomerId,
    alias: &CustomerId,
    line: Option<Name>,
) -> Change<Aliased, E::Error> {
    let listed = IdentityStep::NoteAlias { alias: alias.clone(), line };
    let (answer, reply) = match noted(step_of_customer(entries, customer, listed).await?)? {
        Ok(noted) => noted,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let IdentityReply::Noted(pointer) = reply else { return Err(out_of_place().into()) };
    let customer = answer.customer;
    let via = Via { alias: alias.clone(), proof: pointer.proof };
    let became = step(entries, alias, IdentityStep::BecomeAlias(pointer)).await?;
    match became.reply {
        Reply::Identity(IdentityReply::Done) => {}
        Reply::Refused(refusal) => {
            step_of_customer(entries, &customer, IdentityStep::ForgetAlias(via)).await?;
            return Ok(Err(refusal));
        }
        _ => return Err(out_of_place().into()),
    }
    let confirmed = step_of_customer(entries, &customer, IdentityStep::ConfirmAlias(via)).await?;
    match confirmed.reply {
        Reply::Identity(IdentityReply::Done) => Ok(Ok(Aliased { answer: confirmed, applied: true })),
        // Somebody removed it in between. If its entry was set after that, the first call by it clears the entry.
        Reply::Identity(IdentityReply::NotListed) => Ok(Err(Refusal {
            code: "alias_removed",
            detail: "the alias was removed while it was being added; add it again if it is still wanted"
                .to_owned(),
        })),
        _ => Err(out_of_place().into()),
    }
}

/// Ends an alias; its id is nobody's afterwards. Does nothing when the customer has no such alias.
///
/// # Errors
/// Those of the turns; the same call again completes what was begun.
pub async fn remove_alias<E: Entries>(
    entries: &E,
    customer: &CustomerId,
    alias: &CustomerId,
) -> Change<Aliased, E::Error> {
    let retire = IdentityStep::RetireAlias { alias: alias.clone() };
    let (answer, reply) = match noted(step_of_customer(entries, customer, retire).await?)? {
        Ok(noted) => noted,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let IdentityReply::Noted(pointer) = reply else { return Ok(Ok(Aliased { answer, applied: false })) };
    let via = Via { alias: alias.clone(), proof: pointer.proof };
    let ended = step(entries, alias, IdentityStep::EndAlias(pointer)).await?;
    if !matches!(ended.reply, Reply::Erased(_) | Reply::Identity(IdentityReply::Done)) {
        return Err(out_of_place().into());
    }
    let answer = step_of_customer(entries, &answer.customer, IdentityStep::ForgetAlias(via)).await?;
    Ok(Ok(Aliased { answer, applied: true }))
}
