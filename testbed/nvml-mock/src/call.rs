//! The frame of each call.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

#[expect(
    clippy::disallowed_types,
    reason = "a library that others load knows no runtime"
)]
type Instant = std::time::Instant;

use crate::scenario::{Gpu, Mig, Rule, Scenario};
use crate::world::{scenario, session};
use crate::{Code, counts};

/// How often a call that hangs looks whether it may go on.
const LOOK: Duration = Duration::from_millis(2);

/// From so long on, a call that takes its time sleeps instead of keeping the processor busy.
const SLEEP: Duration = Duration::from_millis(1);

/// `nvmlDevice_t`: 0 is none; else card × 256 + instance, both counted from 1, instance 0 the card
/// itself. It is never looked up as an address.
pub(crate) type Handle = usize;

/// The handle of a card or of one of its instances.
pub(crate) fn handle(card: usize, mig: Option<usize>) -> Handle {
    (card + 1) * 256 + mig.map_or(0, |mig| mig + 1)
}

/// What a call is about.
pub(crate) struct Target {
    pub(crate) scenario: Arc<Scenario>,
    /// Place of the card in the scenario.
    pub(crate) card: usize,
    /// Place of the instance in the card's list.
    mig: Option<usize>,
}

impl Target {
    /// The card, or the card of the instance.
    pub(crate) fn gpu(&self) -> &Gpu {
        // `on` has looked that it is there.
        &self.scenario.gpus[self.card]
    }

    /// The instance, if the call is about one.
    pub(crate) fn mig(&self) -> Option<&Mig> {
        self.mig.and_then(|mig| self.gpu().mig.get(mig))
    }

    /// The instance's place in the card's list.
    pub(crate) fn mig_place(&self) -> Option<usize> {
        self.mig
    }
}

/// Whether a call needs an initialised library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// It does.
    Session,
    /// It is the call that initialises, or the like.
    Nothing,
}

/// A call that is about no card, or about one that the caller names otherwise.
pub(crate) fn call(
    name: &'static str,
    card: Option<usize>,
    needs: Needs,
    body: impl FnOnce(&Arc<Scenario>) -> Result<(), Code>,
) -> u32 {
    let answer = catch_unwind(AssertUnwindSafe(|| framed(name, card, needs, body)));
    match answer.unwrap_or(Err(Code::Unknown)) {
        Ok(()) => 0,
        Err(code) => code.number(),
    }
}

/// A call about a card or an instance.
pub(crate) fn on(
    name: &'static str,
    device: Handle,
    body: impl FnOnce(&Target) -> Result<(), Code>,
) -> u32 {
    let card = (device / 256).checked_sub(1);
    let mig = (device % 256).checked_sub(1);
    call(name, card, Needs::Session, |scenario| {
        let card = card.ok_or(Code::InvalidArgument)?;
        let known = session().cards.contains(&card);
        let gpu = scenario.gpus.get(card).filter(|gpu| gpu.plugged);
        let Some(gpu) = gpu else {
            let code = if known {
                Code::GpuIsLost
            } else {
                Code::InvalidArgument
            };
            return Err(code);
        };
        if mig.is_some_and(|mig| mig >= gpu.mig.len()) {
            return Err(Code::InvalidArgument);
        }
        body(&Target {
            scenario: Arc::clone(scenario),
            card,
            mig,
        })
    })
}

/// A call that whole cards answer and instances do not.
pub(crate) fn on_card(
    name: &'static str,
    device: Handle,
    body: impl FnOnce(&Target) -> Result<(), Code>,
) -> u32 {
    on(name, device, |target| match target.mig_place() {
        Some(_) => Err(Code::NotSupported),
        None => body(target),
    })
}

fn framed(
    name: &'static str,
    card: Option<usize>,
    needs: Needs,
    body: impl FnOnce(&Arc<Scenario>) -> Result<(), Code>,
) -> Result<(), Code> {
    let began = Instant::now();
    counts::add(name, card);
    let (scenario, rule) = released(name, card)?;
    let answer = match rule.code {
        Some(code) => Err(code),
        None => ready(needs, &scenario).and_then(|()| body(&scenario)),
    };
    take_time(began, Duration::from_micros(rule.busy_us.unwrap_or(0)));
    answer
}

/// The scenario and its rule for a call, once that may go on.
fn released(name: &str, card: Option<usize>) -> Result<(Arc<Scenario>, Rule), Code> {
    loop {
        let scenario = scenario()?;
        let rule = scenario.rule(name, card);
        if rule.hang != Some(true) {
            return Ok((scenario, rule));
        }
        sleep(LOOK);
    }
}

/// Whether the library is initialised for the driver that is loaded now.
fn ready(needs: Needs, scenario: &Scenario) -> Result<(), Code> {
    if needs == Needs::Nothing {
        return Ok(());
    }
    let session = session();
    if session.users == 0 || session.epoch != scenario.epoch {
        return Err(Code::Uninitialized);
    }
    if session.library.as_ref() != Some(&scenario.driver) {
        return Err(Code::LibRmVersionMismatch);
    }
    Ok(())
}

/// Ends `busy` after `began` at the earliest.
fn take_time(began: Instant, busy: Duration) {
    if busy >= SLEEP {
        sleep(busy.saturating_sub(began.elapsed()));
    }
    while began.elapsed() < busy {
        std::hint::spin_loop();
    }
}

/// Blocks the caller's thread, as a driver does.
pub(crate) fn sleep(time: Duration) {
    #[expect(
        clippy::disallowed_methods,
        reason = "it is the point: calls of a driver block"
    )]
    std::thread::sleep(time);
}
