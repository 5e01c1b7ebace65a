//! The stages before the score, in fixed order: each drops an offer with one reason.
//!
//! Validity, consent, calendar, eligible, applicable, suitable, refusals, caps, quiet hours, holdout. Leaves out the words
//! of an explanation: a reason here is a small value, so that walking all offers costs little.

use crate::call::DecisionRequest;
use crate::call::Direction;
use crate::customer::Customer;
use crate::decision::allotment::{Dealt, dealt, held_out};
use crate::decision::contact_policy::{AskedSlot, Sending, binds, cap_use, is_capped};
use crate::decision::context::CaseFacts;
use crate::decision::explanation::Stage;
use crate::decision::propensity::{AffinityModel, Seen};
use crate::decision::totals::{Taking, Unit, is_total, total_use, units_of};
use crate::decision::windows::quiet_until;
use crate::decision::{Basis, CapUse, Moment, fit, place, relations, trigger};
use crate::learning::PriorTable;
use crate::options::CONTACT_LIVES_MS;
use crate::playbook::{
    CalendarEntry, Cap, Counts, Extras, Holdout, Offer, Pause, Playbook, QuietHours, Rule,
};
use crate::timestamp::Timestamp;
use std::cell::RefCell;
use std::sync::Arc;

/// One decision's case: the facts, and everything that is the same for all offers, worked out once.
pub struct Case<'a> {
    /// The facts, without an offer at hand.
    pub facts: CaseFacts<'a>,
    /// When a contact reserved now may be sent.
    pub sending: Sending,
    /// The customer's control group.
    pub holdout: Option<&'a Holdout>,
    /// The experiment the customer takes part in; nobody in a control group does.
    pub dealt: Option<Dealt<'a>>,
    exclusive: Vec<&'a CalendarEntry>,
    pauses: Vec<&'a Pause>,
    /// Caps that bind this decision, and how far each is used.
    pub caps: Vec<(&'a Cap, CapUse)>,
    /// The units that a contact takes of each total that binds.
    units: Vec<(&'a Cap, Vec<Unit>)>,
    quiet: Vec<(&'a QuietHours, Timestamp)>,
    consents: RefCell<Vec<(&'a str, bool)>>,
    priors: Arc<PriorTable>,
    decision_id: String,
}

/// Why an offer left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is for other channels.
    Channel,
    /// Another purpose was asked for.
    Purpose,
    /// The channel can't be used to begin a conversation.
    InboundOnly,
    /// Its time has not come.
    NotYetValid,
    /// Its time is over.
    NoLongerValid,
    /// What it answers to has not happened.
    NoTrigger,
    /// What it answers to happened too long ago: its time ended then.
    Expired(Timestamp),
    /// The customer has not consented.
    NoConsent,
    /// Another campaign has the customer to itself.
    Calendar,
    /// Offers of its purpose rest for now.
    Paused,
    /// A rule of this layer says no.
    Rule(Layer),
    /// A rule of this layer needs a tag that is missing.
    MissingTag(Layer),
    /// This one of what it requires is not owned.
    Requires(u16),
    /// None of what it follows was taken.
    Follows,
    /// This one of what it excludes is owned.
    Excluded(u16),
    /// This one of its components is owned already.
    ComponentOwned(u16),
    /// This one of the bundles that hold it is owned already.
    InOwnedBundle(u16),
    /// Nobody said where the customer is.
    PlaceUnknown,
    /// Its place is too far away.
    OutOfReach {
        /// How far, in metres.
        far_m: u32,
    },
    /// Its place is closed.
    Closed {
        /// When it opens next.
        opens_at: Option<Timestamp>,
    },
    /// What the customer uses is not known.
    UsageUnknown,
    /// It holds more than the customer uses.
    Oversized,
    /// It holds less than the customer uses.
    Undersized,
    /// The customer refused it for good.
    Refused,
    /// It rests for a time.
    Suppressed(Timestamp),
    /// This cap (by place among those that bind) has no room.
    Cap(usize),
    /// Contacts rest until then.
    QuietHours(Timestamp),
    /// The customer is in a control group.
    Holdout,
    /// It is worth nothing for the active KPI.
    NoValue,
    /// Its score is not a number.
    NotFinite,
    /// Better ones of its family fill the family's places.
    FamilyMax,
    /// This offer (by its place in the playbook) is in the list and never stands beside it.
    Rival(usize),
    /// The last room in this cap (by place among those that bind) is kept for something worth more.
    ReservePrice(usize),
    /// Better ones fill the list.
    Outranked,
    /// Better ones in the same list take the last room in a cap on what is shown.
    ShownBefore,
}

/// The three layers of eligibility.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// May have it.
    Eligible,
    /// Makes sense now.
    Applicable,
    /// Right for them.
    Suitable,
}

impl Layer {
    /// In the order in which they are asked.
    pub const ALL: [Layer; 3] = [Layer::Eligible, Layer::Applicable, Layer::Suitable];

    /// The layer's rule for an offer.
    #[must_use]
    pub fn rule(self, offer: &Offer) -> Option<&Rule> {
        match self {
            Layer::Eligible => offer.eligible.as_ref(),
            Layer::Applicable => offer.applicable.as_ref(),
            Layer::Suitable => offer.suitable.as_ref(),
        }
    }

    /// What few offers declare besides, checked after the layer's rule.
    ///
    /// # Errors
    /// The reason why the offer leaves.
    pub fn check_extras(self, extras: &Extras, facts: &CaseFacts<'_>) -> Result<(), Reason> {
        match self {
            Layer::Eligible => Ok(()),
            Layer::Applicable => {
                relations::check(&extras.relations, facts)?;
                place::check(extras, facts)
            }
            Layer::Suitable => extras.fit.as_ref().map_or(Ok(()), |it| fit::check(it, facts)),
        }
    }
}

impl Reason {
    /// Whether an offer that was scored and then left for this reason is told as held back: nothing better took its
    /// place.
    #[must_use]
    pub fn is_told(self) -> bool {
        matches!(self, Reason::ReservePrice(_))
    }

    /// The reason's code and the stage it belongs to.
    #[must_use]
    pub fn code(self) -> (Stage, &'static str) {
        let layer_stage = |layer| match layer {
            Layer::Eligible => Stage::Eligible,
            Layer::Applicable => Stage::Applicable,
            Layer::Suitable => Stage::Suitable,
        };
        match self {
            Reason::Channel => (Stage::Validity, "channel"),
            Reason::Purpose => (Stage::Validity, "purpose"),
            Reason::InboundOnly => (Stage::Validity, "inbound_only"),
            Reason::NotYetValid => (Stage::Validity, "not_yet_valid"),
            Reason::NoLongerValid => (Stage::Validity, "no_longer_valid"),
            Reason::NoTrigger => (Stage::Validity, "no_trigger"),
            Reason::Expired(_) => (Stage::Validity, "expired"),
            Reason::NoConsent => (Stage::Consent, "consent"),
            Reason::Calendar => (Stage::Calendar, "calendar"),
            Reason::Paused => (Stage::Calendar, "paused"),
            Reason::Rule(Layer::Eligible) => (Stage::Eligible, "not_eligible"),
            Reason::Rule(Layer::Applicable) => (Stage::Applicable, "not_applicable"),
            Reason::Rule(Layer::Suitable) => (Stage::Suitable, "not_suitable"),
            Reason::MissingTag(layer) => (layer_stage(layer), "missing_tag"),
            Reason::Requires(_) => (Stage::Applicable, "requires"),
            Reason::Follows => (Stage::Applicable, "follows"),
            Reason::Excluded(_) => (Stage::Applicable, "excluded"),
            Reason::ComponentOwned(_) => (Stage::Applicable, "component_owned"),
            Reason::InOwnedBundle(_) => (Stage::Applicable, "in_owned_bundle"),
            Reason::PlaceUnknown => (Stage::Applicable, "place_unknown"),
            Reason::OutOfReach { .. } => (Stage::Applicable, "out_of_reach"),
            Reason::Closed { .. } => (Stage::Applicable, "closed"),
            Reason::UsageUnknown => (Stage::Suitable, "missing_tag"),
            Reason::Oversized => (Stage::Suitable, "oversized"),
            Reason::Undersized => (Stage::Suitable, "undersized"),
            Reason::Refused => (Stage::Refusal, "refused"),
            Reason::Suppressed(_) => (Stage::Refusal, "suppressed"),
            Reason::Cap(_) => (Stage::Caps, "cap"),
            Reason::QuietHours(_) => (Stage::QuietHours, "quiet_hours"),
            Reason::Holdout => (Stage::Holdout, "holdout"),
            Reason::NoValue => (Stage::Score, "no_value"),
            Reason::NotFinite => (Stage::Score, "not_finite"),
            Reason::FamilyMax => (Stage::Diversity, "family_max"),
            Reason::Rival(_) => (Stage::Diversity, "rival_in_list"),
            Reason::ReservePrice(_) => (Stage::Top, "reserve_price"),
            Reason::Outranked => (Stage::Top, "outranked"),
            Reason::ShownBefore => (Stage::Top, "cap_in_list"),
        }
    }
}

impl<'a> Case<'a> {
    /// Works out what is the same for all offers.
    #[must_use]
    pub fn new(
        customer: &'a Customer,
        playbook: &'a Playbook,
        request: &'a DecisionRequest,
        moment: &Moment,
    ) -> Case<'a> {
        let now = moment.now;
        let basis = match customer.consents.permits_profiling(&request.channel, now) {
            true => Basis::Full,
            false => Basis::ContextOnly,
        };
        let facts = CaseFacts { customer, playbook, request, basis, now, offer: None };
        let outbound = request.direction == Direction::Outbound;
        // What is shown is shown now; what is sent may be sent until it expires.
        let sending = Sending { from: now, until: now.plus_ms(if outbound { CONTACT_LIVES_MS } else { 1 }) };
        let zone = customer.zone(playbook, now);
        let slot = AskedSlot { sending, line: request.line.as_ref(), zone: &zone };
        let binding = |cap: &&Cap| outbound || cap.counts == Counts::Shown;
        let binding: Vec<&Cap> = playbook.caps.iter().filter(binding).collect();
        let totals = binding.iter().filter(|cap| is_total(cap));
        let units: Vec<(&Cap, Vec<Unit>)> =
            totals.map(|cap| (*cap, units_of(cap, sending, &playbook.tenant.zone))).collect();
        let use_of = |cap: &Cap| match units.iter().find(|(total, _)| std::ptr::eq(*total, cap)) {
            Some((_, units)) => total_use(cap, units, &moment.left),
            None => cap_use(cap, &customer.contacts, slot),
        };
        let caps = binding.iter().map(|cap| (*cap, use_of(cap))).collect();
        let quiet = playbook
            .quiet_hours
            .iter()
            .filter(|_| outbound)
            .filter_map(|hours| Some((hours, quiet_until(hours, now, &zone)?)))
            .collect();
        let known = CaseFacts { basis: Basis::Full, ..facts };
        let in_force = |entry: &&CalendarEntry| {
            let meant = entry.segment.as_ref().is_none_or(|segment| segment.holds(&facts) == Some(true));
            entry.exclusive && entry.from <= now && now < entry.to && meant
        };
        let holdout = held_out(&playbook.holdouts, customer.id());
        Case {
            facts,
            sending,
            holdout,
            dealt: holdout.map_or_else(|| dealt(&playbook.experiments, customer.id()), |_| None),
            exclusive: playbook.calendar.iter().filter(in_force).collect(),
            pauses: playbook.pauses.iter().filter(|pause| pause.when.holds(&known) == Some(true)).collect(),
            caps,
            units,
            quiet,
            consents: RefCell::default(),
            priors: Arc::clone(&moment.priors),
            decision_id: moment.decision_id.clone(),
        }
    }

    /// The model that gives the probabilities.
    #[must_use]
    pub fn model(&self) -> AffinityModel<'_> {
        AffinityModel { priors: &self.priors }
    }

    /// Log-odds of the priors in the channel asked for, by the offer's place in the playbook.
    #[must_use]
    pub fn priors(&self) -> &[f64] {
        self.priors.column(&self.facts.request.channel)
    }

    /// The offer at `offer_ix` as a model sees it; `facts` are the case's with that offer at hand.
    #[must_use]
    pub fn seen<'b>(&'b self, offer_ix: usize, facts: &'b CaseFacts<'b>) -> Seen<'b, CaseFacts<'b>> {
        Seen {
            offer: &self.facts.playbook.offers[offer_ix],
            offer_ix,
            channel: &self.facts.request.channel,
            facts,
            seed: &self.decision_id,
        }
    }

    /// The cap behind [`Reason::Cap`].
    #[must_use]
    pub fn full_cap(&self, ix: usize) -> &CapUse {
        &self.caps[ix].1
    }

    /// Takes one offer through the stages. Holdout comes last, so that a control group's ghost has passed all the others.
    ///
    /// # Errors
    /// The reason why it left.
    pub fn screen(&self, offer: &'a Offer) -> Result<(), Reason> {
        self.in_frame(offer)?;
        self.follows_rules(offer)?;
        let held = self.refused(offer).or_else(|| self.held_by_contact_policy(offer));
        match held {
            Some(reason) => Err(reason),
            None if self.held_out(offer) => Err(Reason::Holdout),
            None => Ok(()),
        }
    }

    /// Validity, consent, calendar and pauses. Reads of the offer its channels, purpose, validity and campaign.
    ///
    /// # Errors
    /// The reason why it left.
    pub fn in_frame(&self, offer: &'a Offer) -> Result<(), Reason> {
        self.valid(offer)?;
        if !self.consented(offer) {
            return Err(Reason::NoConsent);
        }
        if self.blocked_by_calendar(offer) {
            return Err(Reason::Calendar);
        }
        if self.pause_of(offer).is_some() {
            return Err(Reason::Paused);
        }
        Ok(())
    }

    /// The pause that makes the offer rest. Reads of the offer its purpose.
    #[must_use]
    pub fn pause_of(&self, offer: &Offer) -> Option<&'a Pause> {
        self.pauses.iter().copied().find(|pause| pause.rests(&offer.purpose))
    }

    /// Eligible, applicable, suitable.
    ///
    /// # Errors
    /// The first layer that says no or can't say.
    pub fn follows_rules(&self, offer: &Offer) -> Result<(), Reason> {
        let facts = self.facts.with(offer);
        for layer in Layer::ALL {
            match layer.rule(offer).map(|rule| rule.holds(&facts)) {
                None | Some(Some(true)) => {}
                Some(Some(false)) => return Err(Reason::Rule(layer)),
                Some(None) => return Err(Reason::MissingTag(layer)),
            }
            if let Some(extras) = &offer.extras {
                layer.check_extras(extras, &facts)?;
            }
        }
        Ok(())
    }

    /// How far each cap is used that is about this offer.
    pub fn caps_about<'b>(&'b self, offer: &'b Offer) -> impl Iterator<Item = &'b CapUse> + use<'a, 'b> {
        let facts = self.facts.with(offer);
        let about =
            move |(cap, _): &&(&Cap, CapUse)| is_capped(&offer.purpose) && binds(&cap.matches, &facts);
        self.caps.iter().filter(about).map(|(_, used)| used)
    }

    /// Refusals and suppression. Reads of the offer its id, family, group and owner.
    #[must_use]
    pub fn refused(&self, offer: &Offer) -> Option<Reason> {
        let request = self.facts.request;
        let suppressed = self.facts.customer.refusals.against(offer, &request.channel, self.facts.now)?;
        Some(suppressed.until.map_or(Reason::Refused, Reason::Suppressed))
    }

    /// Caps and quiet hours. Reads of the offer its purpose, and what the rules of caps and quiet hours read of it.
    #[must_use]
    pub fn held_by_contact_policy(&self, offer: &Offer) -> Option<Reason> {
        let full = self.full_caps_against(offer).next().map(Reason::Cap);
        full.or_else(|| self.quiet_for(offer).map(Reason::QuietHours))
    }

    /// Whether some cap is full or some quiet time is on: whether [`Case::held_by_contact_policy`] can hold anything.
    #[must_use]
    pub fn has_obstacles(&self) -> bool {
        !self.quiet.is_empty() || self.caps.iter().any(|(_, used)| used.used >= used.limit)
    }

    /// Whether the customer's control group holds the offer back. Reads of the offer its purpose.
    #[must_use]
    pub fn held_out(&self, offer: &Offer) -> bool {
        self.holdout.is_some() && !is_service(offer)
    }

    /// The full caps that are about this offer, by their places among those that bind.
    pub fn full_caps_against<'b>(&'b self, offer: &'b Offer) -> impl Iterator<Item = usize> + use<'a, 'b> {
        let facts = self.facts.with(offer);
        let about = move |ix: &usize| {
            let (cap, used) = &self.caps[*ix];
            used.used >= used.limit && is_capped(&offer.purpose) && binds(&cap.matches, &facts)
        };
        (0..self.caps.len()).filter(about)
    }

    /// The units that a contact with this offer takes.
    #[must_use]
    pub fn takings(&self, offer: &Offer) -> Vec<Taking> {
        if !is_capped(&offer.purpose) {
            return Vec::new();
        }
        let facts = self.facts.with(offer);
        let about = self.units.iter().filter(|(cap, _)| binds(&cap.matches, &facts));
        let taking = |cap: &Cap, unit: &Unit| Taking { unit: unit.clone(), limit: cap.limit };
        about.flat_map(|(cap, units)| units.iter().map(|unit| taking(cap, unit))).collect()
    }

    /// When the quiet time for this offer ends; `None` when it is not quiet for it.
    #[must_use]
    pub fn quiet_for(&self, offer: &Offer) -> Option<Timestamp> {
        let facts = self.facts.with(offer);
        let about = self.quiet.iter().filter(|(hours, _)| binds(&hours.matches, &facts));
        about.map(|(_, until)| *until).max()
    }

    fn valid(&self, offer: &Offer) -> Result<(), Reason> {
        let request = self.facts.request;
        let now = self.facts.now;
        if !offer.channels.is_empty() && !offer.channels.contains(&request.channel) {
            return Err(Reason::Channel);
        }
        if request.purpose.as_ref().is_some_and(|purpose| *purpose != offer.purpose) {
            return Err(Reason::Purpose);
        }
        let channel = self.facts.playbook.channels.get(&request.channel);
        if request.direction == Direction::Outbound && channel.is_some_and(|channel| channel.inbound_only) {
            return Err(Reason::InboundOnly);
        }
        if offer.valid_from.is_some_and(|from| now < from) {
            return Err(Reason::NotYetValid);
        }
        if offer.valid_to.is_some_and(|to| now >= to) {
            return Err(Reason::NoLongerValid);
        }
        let trigger = offer.extras.as_ref().and_then(|extras| extras.trigger.as_ref());
        trigger.map_or(Ok(()), |it| trigger::check(it, &self.facts))
    }

    /// Offers have few purposes: each is asked once.
    fn consented(&self, offer: &'a Offer) -> bool {
        let mut known = self.consents.borrow_mut();
        if let Some((_, permitted)) = known.iter().find(|(purpose, _)| *purpose == &*offer.purpose) {
            return *permitted;
        }
        let channel = &self.facts.request.channel;
        let permitted = self.facts.customer.consents.permits(&offer.purpose, channel, self.facts.now);
        known.push((&offer.purpose, permitted));
        permitted
    }

    fn blocked_by_calendar(&self, offer: &Offer) -> bool {
        let belongs = |entry: &&CalendarEntry| offer.campaign.as_ref() == Some(&entry.id);
        !self.exclusive.is_empty() && !is_service(offer) && !self.exclusive.iter().any(belongs)
    }
}

/// Whether the last room in a cap is kept for something that is worth more.
#[must_use]
pub fn keeps_last_room(cap: &Cap, left: u32, priority: f64) -> bool {
    left == 1 && cap.reserve.is_some_and(|reserve| priority < reserve)
}

/// Service and regulatory messages go on in control groups and during exclusive campaigns.
fn is_service(offer: &Offer) -> bool {
    matches!(&*offer.purpose, "service" | "regulatory")
}
