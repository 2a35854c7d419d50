//! How much memory this process can still take, before it is killed or ended for taking more.

#[cfg(target_os = "linux")]
mod linux;

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::error::Error;

/// The share that is left to what nobody counts: threads, rows, the system.
const SPARED: u64 = 8;

/// What bounds a process, and how much it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// What sets the bound.
    pub(crate) of: &'static str,
    /// Free bytes.
    pub(crate) bytes: u64,
}

/// The least that the machine, a control group or a limit of the process leaves; `None` where the system does not tell.
pub(crate) fn room() -> Option<Room> {
    let of_machine = Room {
        of: "the machine",
        bytes: machine(),
    };
    let known = Some(of_machine).filter(|room| room.bytes > 0);
    #[cfg(target_os = "linux")]
    let known = known.into_iter().chain(linux::rooms());
    let least = known.into_iter().min_by_key(|room| room.bytes)?;
    Some(Room {
        bytes: least.bytes - least.bytes / SPARED,
        ..least
    })
}

/// Memory that the machine could give at once.
fn machine() -> u64 {
    let memory = MemoryRefreshKind::nothing().with_ram();
    System::new_with_specifics(RefreshKind::nothing().with_memory(memory)).available_memory()
}

/// How many things that take `each` bytes there is room for.
///
/// # Errors
/// [`Error::Memory`] where there is none for a single one.
pub(crate) fn fit(what: impl FnOnce() -> String, each: u64) -> Result<u64, Error> {
    let Some(room) = room() else {
        return Ok(u64::MAX);
    };
    let fit = room.bytes / each.max(1);
    if fit > 0 {
        return Ok(fit);
    }
    Err(Error::Memory {
        of: room.of,
        what: what(),
        required: each,
        available: room.bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_room_for_little_and_not_for_everything() {
        let room = room().expect("a system that tells");
        assert!(room.bytes > 1 << 20, "{room:?}");
        assert!(fit(|| "a byte".to_owned(), 1).unwrap() > 1 << 20);
        let error = fit(|| "too much".to_owned(), u64::MAX).unwrap_err();
        let Error::Memory { required, what, .. } = error else {
            panic!("{error}")
        };
        assert_eq!((required, &what[..]), (u64::MAX, "too much"));
    }
}
