//! Erasing a customer under all of its ids: the entries of its other ids first, the customer last.
//!
//! From the first step on the customer takes no new id, so nothing that points to it outlives it. Only the id that the caller
//! named is ended after the customer: the same call repeated has to find the customer again.

use super::{Change, Entries, call, out_of_place, step, step_of_customer};
use crate::call::identity::{IdentityReply, IdentityStep, Pointer};
use crate::call::{Answer, Command, CustomerId, Reply};
use crate::error::TurnError;
use std::sync::Arc;

/// Rounds of ending links at most. The list can't grow once the erasure has begun: a second round is rare.
const ROUNDS_MAX: usize = 4;

/// Erases the customer that an id stands for, with its other ids. The receipt counts all that was removed.
///
/// # Errors
/// Inner: `merge_in_progress`. Outer: those of the turns; the same call again completes what was begun.
pub async fn erase<E: Entries>(entries: &E, customer: &CustomerId) -> Change<Answer, E::Error> {
    let mut answer = call(entries, customer, Arc::new(Command::Erase)).await?;
    let (mut gone, mut removed) = (Vec::new(), [0; 3]);
    let mut named = None;
    for round in 0.. {
        let links = match &mut answer.reply {
            Reply::Erased(receipt) => {
                add(&mut receipt.removed, removed);
                break;
            }
            Reply::Refused(refusal) => return Ok(Err(refusal.clone())),
            Reply::Identity(IdentityReply::Linked(links)) => std::mem::take(links),
            _ => return Err(out_of_place().into()),
        };
        for link in links {
            gone.push(link.pointer.proof);
            if link.alias == *customer {
                named = Some(link.pointer);
            } else {
                add(&mut removed, end(entries, &link.alias, link.pointer).await?);
            }
        }
        if round >= ROUNDS_MAX {
            return Err(
                TurnError::Unavailable("the customer's ids change while it is erased".to_owned()).into()
            );
        }
        let last = IdentityStep::EraseWithout { links: gone.clone() };
        answer = step_of_customer(entries, &answer.customer, last).await?;
    }
    if let (Some(pointer), Reply::Erased(receipt)) = (named, &mut answer.reply) {
        add(&mut receipt.removed, end(entries, customer, pointer).await?);
    }
    Ok(Ok(answer))
}

/// Empties the entry of a link, and counts what was removed.
async fn end<E: Entries>(entries: &E, alias: &CustomerId, pointer: Pointer) -> Result<[u64; 3], E::Error> {
    match step(entries, alias, IdentityStep::EndAlias(pointer)).await?.reply {
        Reply::Erased(receipt) => Ok(receipt.removed),
        Reply::Identity(IdentityReply::Done) => Ok([0; 3]),
        _ => Err(out_of_place().into()),
    }
}

fn add(sum: &mut [u64; 3], more: [u64; 3]) {
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}
