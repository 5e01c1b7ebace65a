//! The contract as a suite of named checks, for every store and for those who wrap one.
//!
//! A check gets an empty store and panics when the store breaks the rule in its name. Every store keeps the common rules;
//! those that compare before they write keep the comparisons as well (the customer store's text says how stores differ).
//! Leaves out what only one store promises, such as surviving a restart.

mod customers;
mod comparisons;
mod races;
mod history;
mod walks;
mod playbooks;
mod totals;
mod evidence;
mod due;
mod samples;

pub use samples::{customer, save};

use crate::{Embedded, EmbeddedOptions, Store, StoreError};
use std::pin::Pin;
use std::sync::Arc;

/// A check at work.
pub type Checking = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One rule, and the code that tries to break it.
pub struct Check {
    /// The rule.
    pub name: &'static str,
    /// Panics when the given empty store breaks it.
    pub run: fn(Arc<dyn Store>) -> Checking,
}

macro_rules! checks {
    ($($module:ident :: $name:ident),* $(,)?) => {
        vec![$(Check { name: stringify!($name), run: |store| Box::pin($module::$name(store)) }),*]
    };
}

/// The rules of every store.
pub fn common() -> Vec<Check> {
    checks![
        customers::a_save_is_read_back_whole,
        customers::an_unknown_customer_is_nobody,
        customers::a_save_replaces_the_one_before_it,
        customers::a_lower_fence_never_wins,
        customers::a_higher_fence_takes_over,
        customers::a_customer_taken_over_is_the_same_customer,
        customers::an_erased_customer_is_gone_with_every_row,
        customers::a_former_owner_never_brings_back_the_erased,
        customers::a_former_owner_never_erases_its_successors_customer,
        customers::erasing_nobody_counts_nothing,
        customers::customers_with_one_hash_are_told_apart,
        customers::empty_and_large_snapshots_are_kept,
        customers::long_lives_are_read_back_at_every_revision,
        races::many_customers_are_saved_at_once,
        races::turns_of_one_customer_keep_their_order,
        history::a_page_is_newest_first_and_bounded,
        history::pages_follow_each_other_without_gap_or_repeat,
        history::a_page_keeps_to_its_times,
        history::a_contact_is_replaced_by_its_id,
        history::a_decision_is_found_by_its_id,
        history::rows_belong_to_one_customer,
        walks::a_walk_meets_every_customer_once,
        walks::a_walk_shows_what_a_load_shows,
        walks::a_walk_goes_on_while_customers_come_and_go,
        playbooks::a_playbook_is_stored_once,
        playbooks::activations_are_kept_in_order,
        playbooks::only_a_stored_playbook_becomes_active,
        playbooks::the_dictionary_grows_by_one_version,
        totals::a_total_is_granted_up_to_its_limit,
        totals::units_given_back_are_granted_again,
        totals::totals_are_told_apart_by_their_names,
        totals::a_limit_may_change_while_a_total_is_in_use,
        totals::leases_at_once_never_grant_more_than_there_is,
        evidence::a_shards_evidence_is_replaced_whole,
        evidence::a_former_owner_cannot_replace_evidence,
        evidence::the_evidence_of_all_shards_is_read_in_their_order,
        evidence::an_evidence_table_is_stored_once,
        due::what_is_due_is_read_oldest_first_and_bounded,
        due::what_is_done_is_not_due_again,
        due::times_before_1970_are_times,
    ]
}

/// The rules of stores that compare before they write.
pub fn comparisons() -> Vec<Check> {
    checks![
        comparisons::a_save_replaces_the_revision_before_it_and_nothing_else,
        comparisons::a_refused_save_changes_nothing,
        comparisons::a_lower_fence_is_refused,
        comparisons::a_former_owner_is_refused_after_an_erasure,
        comparisons::a_former_owner_cannot_erase_its_successors_customer,
        comparisons::erasing_nobody_keeps_former_owners_out,
        comparisons::an_erasure_needs_the_revision_that_was_read,
        comparisons::a_contacts_row_moves_with_its_time,
        races::one_of_many_racers_wins,
    ]
}

/// Runs every check on a store of its own, for stores that compare. Panics at the first rule broken, after printing its
/// name.
pub async fn keeps_the_contract(mut fresh: impl FnMut() -> Arc<dyn Store>) {
    for check in common().into_iter().chain(comparisons()) {
        println!("contract: {}", check.name);
        (check.run)(fresh()).await;
    }
}

/// An embedded store in a new directory that vanishes with the first part of the answer: keep both.
pub fn scratch(options: EmbeddedOptions) -> Result<(tempfile::TempDir, Embedded), StoreError> {
    let dir = tempfile::tempdir().map_err(|error| StoreError::Unavailable(format!("no scratch: {error}")))?;
    let store = Embedded::open(dir.path(), options)?;
    Ok((dir, store))
}
