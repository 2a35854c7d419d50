//! Signals that ask the program to end: Ctrl-C, `kill`, a closed terminal.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code of an interrupted run, the same as after SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// State that the signals have set.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    /// Flag that the first signal sets.
    stop: Arc<AtomicBool>,
    /// Whether the next signal ends the process at once.
    is_at_once: Arc<AtomicBool>,
}

impl Signals {
    /// Installs the handler. From then on a signal ends the process at once with [`INTERRUPTED`]. While [`Work`] exists,
    /// the first signal only sets a flag.
    ///
    /// A signal that was ignored when the program started stays ignored; `nohup` and background jobs of a shell need
    /// this. Linux tells which signals are ignored. Other Unixes tell it only through `unsafe` calls. There SIGHUP keeps
    /// its action, so it is ignored or ends the process (the run can be resumed), and SIGINT and SIGTERM are always
    /// handled. On Windows the signals are Ctrl-C, Ctrl-Break and the closing of the console.
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
            // The order matters: the signal that sets the flag must not end the process.
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

    /// Returns whether a signal asked the program to end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Flag that the first signal sets.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// Starts work that the first signal must not cut off.
    pub(crate) fn work(&self) -> Work<'_> {
        self.is_at_once.store(false, Ordering::SeqCst);
        if self.is_stopped() {
            self.is_at_once.store(true, Ordering::SeqCst);
        }
        Work(self)
    }
}

/// Guard: while it exists, the first signal only sets a flag.
#[derive(Debug)]
pub(crate) struct Work<'a>(&'a Signals);

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.0.is_at_once.store(true, Ordering::SeqCst);
    }
}

/// Signals to handle.
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

/// Signals that this process ignores, with signal N as bit N - 1; `None` if the system does not tell. See proc_pid_status(5).
#[cfg(unix)]
fn ignored() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    u64::from_str_radix(mask?.trim(), 16).ok()
}
