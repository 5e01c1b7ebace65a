//! Ctrl-C and SIGTERM: the first asks the demo to stop and clean up, the second ends it at once.

use crate::error::Failure;
use crate::output::say;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

/// Whether the demo was asked to stop.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<(Mutex<bool>, Condvar)>);

/// Told to go at once, as shells count it: 128 + SIGINT.
const AT_ONCE: i32 = 130;

impl Interrupt {
    /// Begins to listen.
    pub fn listen() -> Result<Self, Failure> {
        let refused = |error: std::io::Error| Failure::Failed(format!("can't listen for Ctrl-C: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(refused)?;
        let interrupt = Interrupt::default();
        let (heard, (tell_ready, ready)) = (interrupt.clone(), std::sync::mpsc::sync_channel(1));
        let listener = thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                use tokio::signal::unix::{SignalKind, signal};
                let signals =
                    signal(SignalKind::interrupt()).and_then(|it| Ok((it, signal(SignalKind::terminate())?)));
                let (mut interrupts, mut terminations) = match signals {
                    Ok(signals) => {
                        let _ = tell_ready.send(Ok(()));
                        signals
                    }
                    Err(error) => {
                        let _ = tell_ready.send(Err(error));
                        return;
                    }
                };
                loop {
                    tokio::select! {
                        _ = interrupts.recv() => {}
                        _ = terminations.recv() => {}
                    }
                    if heard.raise() {
                        std::process::exit(AT_ONCE);
                    }
                    say(&format_args!("\nstopping (once more stops at once)"));
                }
            });
        });
        listener.map_err(refused)?;
        ready
            .recv()
            .map_err(|_| Failure::Failed("the listener for Ctrl-C has gone".to_owned()))?
            .map_err(refused)?;
        Ok(interrupt)
    }

    /// Raises the flag; true when it was up already.
    fn raise(&self) -> bool {
        let (flag, changed) = &*self.0;
        let was = std::mem::replace(&mut *flag.lock().unwrap_or_else(PoisonError::into_inner), true);
        changed.notify_all();
        was
    }

    /// Whether the demo was asked to stop.
    pub fn is_raised(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An error once it was.
    pub fn check(&self) -> Result<(), Failure> {
        if self.is_raised() { Err(Failure::Failed("stopped before the end".to_owned())) } else { Ok(()) }
    }

    /// Waits until it is.
    pub fn wait(&self) {
        let (flag, changed) = &*self.0;
        let up = flag.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_while(up, |up| !*up).unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_signal_asks_and_the_second_finds_the_flag_up() {
        let interrupt = Interrupt::default();
        assert!(interrupt.check().is_ok());
        assert!(!interrupt.raise());
        interrupt.wait();
        assert!(interrupt.check().is_err());
        assert!(interrupt.raise());
    }
}
