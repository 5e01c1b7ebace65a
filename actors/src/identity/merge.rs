//! Making one customer of two, and two of one again.
//!
//! Merging: begin with the survivor, freeze the other, take its state over, let it join, seal. Unmerging: release, restore,
//! close. The frozen one answers nobody; whoever asks it first brings the merge to its end, or calls it off where that is
//! still possible ([`settle`]). So nothing is ever served from two states, and nothing waits for somebody who died.

use super::{Change, Entries, noted, out_of_place, step, step_of_customer};
use crate::call::identity::{Elsewhere, IdentityReply, IdentityStep, MergeRef, Unfinished, UnfinishedStage};
use crate::call::{Answer, CustomerId, Refusal, Reply};
use crate::error::TurnError;
use crate::value::Name;
use std::sync::Arc;

/// Other merges that stand in the way and are settled at most.
const SETTLED_MAX: usize = 4;

/// What a merge, or its undoing, did.
#[derive(Debug)]
pub struct MergeOutcome {
    /// The survivor's last answer: who it is, and at which revision.
    pub answer: Answer,
    /// Who was taken in, or goes on alone.
    pub from: CustomerId,
    /// False when it had been done before.
    pub applied: bool,
}

/// Makes `from` an id of `customer`, with all that is known of it. Repeated with the same `merge_id`, it does nothing more.
///
/// # Errors
/// Inner: `unknown_customer`, `same_customer`, `merge_undone`, `merge_id_taken`, `merge_interrupted`, `too_many_merges`,
/// `too_many_aliases`, `customer_too_large`, `erasure_begun`. Outer: those of the turns; the same call again completes what
/// was begun.
pub async fn merge<E: Entries>(
    entries: &E,
    customer: &CustomerId,
    from: &CustomerId,
    merge_id: Name,
) -> Change<MergeOutcome, E::Error> {
    let who = step_of_customer(entries, from, IdentityStep::Who).await?;
    if who.reply == Reply::Identity(IdentityReply::NotListed) {
        return Ok(Err(unknown()));
    }
    let open = IdentityStep::OpenMerge { merge_id, from: who.customer };
    let (answer, reply) = match noted(step_of_customer(entries, customer, open).await?)? {
        Ok(noted) => noted,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let IdentityReply::Merge(merge, stage) = reply else { return Err(out_of_place().into()) };
    let outcome = |answer, applied| Ok(Ok(MergeOutcome { answer, from: merge.from.clone(), applied }));
    match stage {
        None => outcome(answer, false),
        Some(UnfinishedStage::Open) => match freeze(entries, &merge).await? {
            Ok(kept) => match join(entries, &merge, kept).await? {
                Ok(answer) => outcome(answer, true),
                Err(refusal) => Ok(Err(refusal)),
            },
            Err(refusal) => {
                call_off(entries, &merge).await?;
                Ok(Err(refusal))
            }
        },
        Some(stage) => {
            let undone = stage == UnfinishedStage::Released;
            settle(entries, Unfinished { merge: merge.clone(), stage }).await?;
            match undone {
                true => Ok(Err(interrupted())),
                false => outcome(answer, true),
            }
        }
    }
}

/// Undoes a merge: both customers go on, and each refuses and counts all that the two did together.
///
/// # Errors
/// Inner: `unknown_merge`. Outer: those of the turns; the same call again completes what was begun.
pub async fn unmerge<E: Entries>(
    entries: &E,
    customer: &CustomerId,
    merge_id: Name,
) -> Change<MergeOutcome, E::Error> {
    let find = || step_of_customer(entries, customer, IdentityStep::FindMerge { merge_id: merge_id.clone() });
    let mut answer = find().await?;
    if let Reply::Identity(IdentityReply::Merge(merge, Some(stage))) = &answer.reply {
        let unfinished = Unfinished { merge: merge.clone(), stage: stage.clone() };
        settle(entries, unfinished).await?;
        answer = find().await?;
    }
    match &answer.reply {
        Reply::Identity(IdentityReply::Merge(merge, None)) => {
            let from = merge.from.clone();
            let answer = part(entries, merge).await?;
            Ok(Ok(MergeOutcome { answer, from, applied: true }))
        }
        Reply::Identity(IdentityReply::Done) => {
            let from = answer.customer.clone();
            Ok(Ok(MergeOutcome { answer, from, applied: false }))
        }
        Reply::Identity(IdentityReply::NotListed) => Ok(Err(Refusal {
            code: "unknown_merge",
            detail:
                "this customer has no such merge; one that lies within a later merge is undone after that one"
                    .to_owned(),
        })),
        _ => Err(out_of_place().into()),
    }
}

/// Brings an unfinished merge to an end: on where the state was or can be taken over, back where it can't.
pub(super) async fn settle<E: Entries>(entries: &E, unfinished: Unfinished) -> Result<(), E::Error> {
    let Unfinished { merge, stage } = unfinished;
    match stage {
        UnfinishedStage::Open => call_off(entries, &merge).await?,
        UnfinishedStage::Frozen(kept) => {
            join(entries, &merge, kept).await?.ok();
        }
        UnfinishedStage::Absorbed => {
            seal(entries, &merge).await?;
        }
        UnfinishedStage::Released => {
            part(entries, &merge).await?;
        }
    }
    Ok(())
}

/// Freezes the one to be taken in, once what it is in the middle of is settled.
async fn freeze<E: Entries>(entries: &E, merge: &MergeRef) -> Change<Arc<[u8]>, E::Error> {
    for _ in 0..SETTLED_MAX {
        let answer = step(entries, &merge.from, IdentityStep::Freeze(merge.clone())).await?;
        match answer.reply {
            Reply::Identity(IdentityReply::Frozen(kept)) => return Ok(Ok(kept)),
            Reply::Refused(refusal) => return Ok(Err(refusal)),
            Reply::Elsewhere(Elsewhere::Unfinished(other)) => settle(entries, other).await?,
            _ => return Ok(Err(interrupted())),
        }
    }
    Ok(Err(interrupted()))
}

/// Has a frozen state taken over; where the survivor does not, the frozen one goes on as before.
async fn join<E: Entries>(entries: &E, merge: &MergeRef, kept: Arc<[u8]>) -> Change<Answer, E::Error> {
    let absorb = IdentityStep::Absorb { proof: merge.proof, kept };
    let refusal = match step(entries, &merge.into, absorb).await?.reply {
        Reply::Identity(IdentityReply::Done) => return seal(entries, merge).await.map(Ok),
        Reply::Refused(refusal) => refusal,
        // Called off, and perhaps the survivor was merged or erased since: it can't be while this merge is on its record.
        Reply::Identity(IdentityReply::NotListed) | Reply::Elsewhere(_) => interrupted(),
        _ => return Err(out_of_place().into()),
    };
    call_off(entries, merge).await?;
    Ok(Err(refusal))
}

async fn seal<E: Entries>(entries: &E, merge: &MergeRef) -> Result<Answer, E::Error> {
    step(entries, &merge.from, IdentityStep::Join { proof: merge.proof }).await?;
    step(entries, &merge.into, IdentityStep::SealMerge { proof: merge.proof }).await
}

/// The frozen one goes on only when the survivor certainly never takes its state over.
async fn call_off<E: Entries>(entries: &E, merge: &MergeRef) -> Result<(), E::Error> {
    let called_off = step(entries, &merge.into, IdentityStep::CallOff { proof: merge.proof }).await?;
    match called_off.reply {
        // A survivor that is one no more had nothing unfinished on its record when that happened.
        Reply::Identity(IdentityReply::Done) | Reply::Elsewhere(_) => {
            step(entries, &merge.from, IdentityStep::Thaw { proof: merge.proof }).await?;
        }
        Reply::Identity(IdentityReply::Merge(_, Some(UnfinishedStage::Absorbed))) => {
            seal(entries, merge).await?;
        }
        _ => {}
    }
    Ok(())
}

async fn part<E: Entries>(entries: &E, merge: &MergeRef) -> Result<Answer, E::Error> {
    let proof = merge.proof;
    let released = match step(entries, &merge.into, IdentityStep::Release { proof }).await?.reply {
        Reply::Identity(IdentityReply::Released(released)) => released,
        _ => {
            return Err(
                TurnError::Unavailable("another took a hand in this merge; ask again".to_owned()).into()
            );
        }
    };
    let restored = step(entries, &merge.from, IdentityStep::Restore { proof, released }).await?;
    if let Reply::Refused(refusal) = restored.reply {
        return Err(TurnError::Corrupt(refusal.detail).into());
    }
    step(entries, &merge.into, IdentityStep::CloseMerge { proof }).await
}

fn unknown() -> Refusal {
    Refusal {
        code: "unknown_customer",
        detail: "nothing is known of the customer to be merged in; to add an id, PUT an alias".to_owned(),
    }
}

fn interrupted() -> Refusal {
    Refusal {
        code: "merge_interrupted",
        detail: "another change of who is who came in between; nothing was merged, ask again".to_owned(),
    }
}
