//! Memory that this process can still take without being killed.

#[cfg(target_os = "linux")]
mod linux;

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::error::Error;

/// Share that is kept free for uncounted uses: threads, rows, the system.
const SPARED: u64 = 8;

/// Bound on the memory of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Origin of the bound.
    pub(crate) of: &'static str,
    /// Free bytes.
    pub(crate) bytes: u64,
}

/// Returns the tightest bound of the machine, the control groups and the limits of the process; `None` if the system does
/// not tell.
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

/// Memory that is available on the machine, in bytes.
fn machine() -> u64 {
    let memory = MemoryRefreshKind::nothing().with_ram();
    System::new_with_specifics(RefreshKind::nothing().with_memory(memory)).available_memory()
}

/// Returns how many items of `each` bytes fit into the available memory.
///
/// # Errors
/// [`Error::Memory`] if not even one item fits.
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
