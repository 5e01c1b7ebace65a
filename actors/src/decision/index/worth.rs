//! V and L of every offer, as far as they are known before any customer: factors, and which formulas have to be asked.

use super::bits::Bits;
use super::rules::reads_the_offer;
use crate::playbook::Offer;
use std::collections::HashMap;

/// Values beyond this are left to exact arithmetic, which may overflow.
const VALUE_MAX: f64 = 1e30;
/// Values below this are left to exact arithmetic, which may lose them.
const VALUE_MIN: f64 = 1e-30;

/// The logarithm of a factor, sorted by what may be said of the product without computing it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Factor {
    /// Positive and of ordinary size: its natural logarithm.
    Ordinary(f32),
    /// Zero or below: the product is too, and comes after all that are above.
    NotPositive,
    /// So large or small that only exact arithmetic tells.
    Odd,
}

impl Factor {
    /// Sorts a factor.
    #[must_use]
    pub fn of(factor: f64) -> Factor {
        if (VALUE_MIN..VALUE_MAX).contains(&factor) {
            Factor::Ordinary(factor.ln() as f32)
        } else if (-VALUE_MAX..=0.0).contains(&factor) {
            Factor::NotPositive
        } else {
            Factor::Odd
        }
    }

    /// The logarithm as an upper bound: an odd factor may be anything, one that is not positive comes last. In sums, what is
    /// both odd and not positive is not a number, which no bound excludes.
    #[must_use]
    pub fn ceiling(self) -> f32 {
        match self {
            Factor::Ordinary(logarithm) => logarithm,
            Factor::NotPositive => f32::NEG_INFINITY,
            Factor::Odd => f32::INFINITY,
        }
    }
}

/// V x L by offer.
#[derive(Debug, Default)]
pub struct Worth {
    /// Upper bound of the logarithm of V x L where V is known, else of L alone: with the offer's slack.
    pub ceilings: Box<[f32]>,
    /// Offers whose value is known and so large or small that only exact arithmetic tells what comes of it.
    pub odd: Bits,
    /// Offers whose value is known and not above 0.
    pub worthless: Bits,
    /// Offers whose value has to be asked: it reads the customer or the moment.
    pub varying: Bits,
    /// How many formulas varying offers have; those that read nothing of the offer are shared.
    pub formulas: u32,
    /// By offer, where `varying`: the number of its formula.
    pub formula_of: HashMap<u32, u32>,
}

impl Worth {
    /// Reads the offers' values and levers.
    #[must_use]
    pub fn of(offers: &[Offer], slack: &[f32]) -> Worth {
        let [mut odd, mut worthless, mut varying] = [(); 3].map(|()| Bits::none(offers.len()));
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut formulas = 0;
        let mut formula_of = HashMap::new();
        let mut ceilings = Vec::with_capacity(offers.len());
        for (ix, offer) in offers.iter().enumerate() {
            let ix = ix as u32;
            let lever = Factor::of(offer.lever_factor()).ceiling() + slack[ix as usize];
            let constant = match &offer.value {
                None => Some(0.0),
                Some(formula) => formula.constant(),
            };
            match (constant, &offer.value) {
                (Some(value), _) if value <= 0.0 => {
                    worthless.insert(ix);
                    ceilings.push(f32::NEG_INFINITY);
                }
                (Some(value), _) => {
                    if Factor::of(value) == Factor::Odd {
                        odd.insert(ix);
                    }
                    ceilings.push(Factor::of(value).ceiling() + lever);
                }
                (None, Some(formula)) => {
                    let shared = (!reads_the_offer(formula.reads_context())).then_some(formula.text());
                    let number = match shared.and_then(|text| numbers.get(text)) {
                        Some(number) => *number,
                        None => {
                            formulas += 1;
                            numbers.extend(shared.map(|text| (text, formulas - 1)));
                            formulas - 1
                        }
                    };
                    formula_of.insert(ix, number);
                    varying.insert(ix);
                    ceilings.push(lever);
                }
                (None, None) => unreachable!("an offer without a formula has a known value"),
            }
        }
        Worth { ceilings: ceilings.into(), odd, worthless, varying, formulas, formula_of }
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.ceilings.len() * 4 + self.formula_of.len() * 16
    }
}
