//! Wishes that the program end: Ctrl-C, `kill`, a terminal that is closed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What an interrupted run exits with, as after SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// What the signals so far ask for.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    /// Set by the first.
    stop: Arc<AtomicBool>,
    /// The next one ends the process at once.
    is_at_once: Arc<AtomicBool>,
}

impl Signals {
    /// From here on a signal ends the process at once with [`INTERRUPTED`], but while there is [`Work`] the first one
    /// only sets a flag.
    ///
    /// A signal that the program was started to ignore stays ignored, as `nohup` and a shell's background jobs have it.
    /// Linux tells which ones those are. Other Unixes tell only by means that need `unsafe`: there SIGHUP is left as it
    /// is, ignored or deadly (a killed run resumes), and SIGINT and SIGTERM are always listened to. On Windows these
    /// are Ctrl-C, Ctrl-Break and the closing of the console.
    pub(crate) fn listen() -> io::Result<Self> {
        let signals = Self {
            stop: Arc::default(),
            is_at_once: Arc::new(AtomicBool::new(true)),
        };
        signals.register()?;
        Ok(signals)
    }

    #[cfg(unix)]
    fn register(&self) -> io::Result<()> {
        use signal_hook::flag;
        for signal in wanted() {
            // In this order: the signal that sets the flag does not end the process.
            let (code, is_at_once) = (INTERRUPTED.into(), self.is_at_once.clone());
            flag::register_conditional_shutdown(signal, code, is_at_once)?;
            flag::register(signal, self.stop.clone())?;
            flag::register(signal, self.is_at_once.clone())?;
        }
        Ok(())
    }

    #[cfg(windows)]
    fn register(&self) -> io::Result<()> {
        let signals = self.clone();
        let handler = move || {
            signals.stop.store(true, Ordering::SeqCst);
            if signals.is_at_once.swap(true, Ordering::SeqCst) {
                std::process::exit(INTERRUPTED.into());
            }
        };
        ctrlc::set_handler(handler).map_err(io::Error::other)
    }

    /// Whether somebody wished that the program end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Set by the first signal.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// There is something that the first signal must not cut off.
    pub(crate) fn work(&self) -> Work<'_> {
        self.is_at_once.store(false, Ordering::SeqCst);
        if self.is_stopped() {
            self.is_at_once.store(true, Ordering::SeqCst);
        }
        Work(self)
    }
}

/// While it lives, the first signal only sets a flag.
#[derive(Debug)]
pub(crate) struct Work<'a>(&'a Signals);

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.0.is_at_once.store(true, Ordering::SeqCst);
    }
}

/// Those to listen to.
#[cfg(unix)]
fn wanted() -> Vec<i32> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let ignored = ignored();
    [SIGINT, SIGTERM, SIGHUP]
        .into_iter()
        .filter(|signal| match ignored {
            Some(mask) => mask & (1 << (signal - 1)) == 0,
            None => *signal != SIGHUP,
        })
        .collect()
}

/// The signals that this process ignores, number N as bit N - 1, where the system tells: see proc_pid_status(5).
#[cfg(unix)]
fn ignored() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    u64::from_str_radix(mask?.trim(), 16).ok()
}
