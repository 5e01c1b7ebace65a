//! Several ids for one customer: in which order the entries are asked.
//!
//! An id leads to a customer in a few hops, each checked by the entry that is asked, so nothing has to be remembered in
//! between. A change of who is who is a row of steps, each a turn of one entry and harmless when repeated. Whoever dies between two
//! steps leaves a state that answers truly, and the same call again completes it.
//!
//! Knows no shard and no node: entries are reached through [`Entries`]. Leaves out what each step does ([`crate::customer`]).

mod alias;
mod merge;
mod erase;

pub use alias::{Aliased, add_alias, remove_alias};
pub use erase::erase;
pub use merge::{MergeOutcome, merge, unmerge};

use crate::call::identity::{Elsewhere, IdentityReply, IdentityStep, Pointer, Via};
use crate::call::{Answer, Command, CustomerId, Refusal, Reply};
use crate::error::TurnError;
use crate::value::Name;
use std::future::Future;
use std::sync::Arc;

/// Hops from an id to its customer at most. More are met only while who is who is changing.
const HOPS_MAX: usize = 16;

/// One turn of one entry.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Whose.
    pub customer: CustomerId,
    /// The alias that led here.
    pub via: Option<Via>,
    /// What.
    pub command: Arc<Command>,
}

/// Reaches the entries of all shards.
pub trait Entries {
    /// Why an entry could not be asked.
    type Error: From<TurnError>;

    /// Has one turn taken.
    fn ask(&self, ask: Ask) -> impl Future<Output = Result<Answer, Self::Error>>;
}

/// Has a command followed by the customer that an id stands for. [`Command::Erase`] goes through [`erase()`].
///
/// # Errors
/// Those of the turns.
pub async fn call<E: Entries>(
    entries: &E,
    customer: &CustomerId,
    command: Arc<Command>,
) -> Result<Answer, E::Error> {
    let mut ask = Ask { customer: customer.clone(), via: None, command };
    for _ in 0..HOPS_MAX {
        let answer = entries.ask(ask.clone()).await?;
        match &answer.reply {
            Reply::Elsewhere(Elsewhere::AliasOf(pointer)) => {
                ask.via = Some(Via { alias: ask.customer, proof: pointer.proof });
                ask.customer = pointer.customer.clone();
                if let Some(line) = &pointer.line {
                    ask.command = for_line(ask.command, line);
                }
            }
            Reply::Elsewhere(Elsewhere::NotMine) => {
                // An alias whose customer was erased, or dropped it, in the middle of its making: it is nobody's.
                let Some(via) = ask.via.take() else { break };
                let ended = Pointer { customer: ask.customer, line: None, proof: via.proof };
                step(entries, &via.alias, IdentityStep::EndAlias(ended)).await?;
                ask.customer = via.alias;
            }
            Reply::Elsewhere(Elsewhere::Unfinished(unfinished)) => {
                merge::settle(entries, unfinished.clone()).await?;
                (ask.customer, ask.via) = (customer.clone(), None);
            }
            _ => return Ok(answer),
        }
    }
    Err(TurnError::Unavailable("who is who is changing at this moment".to_owned()).into())
}

/// A question that names no line is about the one whose id was named.
fn for_line(command: Arc<Command>, line: &Name) -> Arc<Command> {
    match &*command {
        Command::Decide(request) if request.line.is_none() => {
            let mut request = request.clone();
            request.line = Some(Name::clone(line));
            Arc::new(Command::Decide(request))
        }
        _ => command,
    }
}

/// One step of the entry itself, wherever it may lead.
async fn step<E: Entries>(
    entries: &E,
    customer: &CustomerId,
    step: IdentityStep,
) -> Result<Answer, E::Error> {
    let command = Arc::new(Command::Identity(Box::new(step)));
    entries.ask(Ask { customer: customer.clone(), via: None, command }).await
}

/// One step of the customer that an id stands for.
async fn step_of_customer<E: Entries>(
    entries: &E,
    customer: &CustomerId,
    step: IdentityStep,
) -> Result<Answer, E::Error> {
    call(entries, customer, Arc::new(Command::Identity(Box::new(step)))).await
}

/// What came of a change of who is who.
pub type Change<T, E> = Result<Result<T, Refusal>, E>;

/// A mistake of ours. The answer is not told: it may be all that is known of a customer.
fn out_of_place() -> TurnError {
    TurnError::Corrupt("an entry answered another question".to_owned())
}

/// The answer to a step that a customer may refuse.
fn noted<E: From<TurnError>>(answer: Answer) -> Change<(Answer, IdentityReply), E> {
    match &answer.reply {
        Reply::Identity(reply) => {
            let reply = reply.clone();
            Ok(Ok((answer, reply)))
        }
        Reply::Refused(refusal) => Ok(Err(refusal.clone())),
        _ => Err(out_of_place().into()),
    }
}
