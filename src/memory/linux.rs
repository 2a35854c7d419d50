//! Bounds on the memory of a process on Linux: control groups (version 2 or 1) and resource limits.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::Room;

/// Returns every bound that is set.
pub(super) fn rooms() -> Vec<Room> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (limits, status) = (read("/proc/self/limits"), read("/proc/self/status"));
    let mut rooms = of_limits(&limits, &status);
    rooms.extend(groups(
        &read("/proc/self/cgroup"),
        Path::new("/sys/fs/cgroup"),
    ));
    rooms
}

/// Reads the limits from /proc/self/limits and the memory in use from /proc/self/status.
fn of_limits(limits: &str, status: &str) -> Vec<Room> {
    let bounds = [
        (
            "the limit of the address space (ulimit -v)",
            "Max address space",
            "VmSize:",
        ),
        (
            "the limit of the data size (ulimit -d)",
            "Max data size",
            "VmData:",
        ),
    ];
    let room = |(of, limit, taken)| {
        let limit = value(limits, limit)?;
        let taken = value(status, taken).map_or(0, |kib| kib.saturating_mul(1024));
        let bytes = limit.saturating_sub(taken);
        Some(Room { of, bytes })
    };
    bounds.into_iter().filter_map(room).collect()
}

/// Returns the number after `name` at the beginning of a line.
fn value(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Names of a control group's files: the limit, the use, and the line of `memory.stat` that counts file pages. The kernel
/// reclaims these pages before it kills a process.
type Files = [&'static str; 3];

const VERSION_2: Files = ["memory.max", "memory.current", "inactive_file"];
const VERSION_1: Files = [
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    "total_inactive_file",
];

/// Returns the bounds of the groups in /proc/self/cgroup and of all groups above them, mounted at `root`. A container may
/// see its own group as the root, under another path than in `groups`.
fn groups(groups: &str, root: &Path) -> Vec<Room> {
    let mut rooms = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (mount, files) = match controllers {
            "" => (root.to_owned(), VERSION_2),
            _ if controllers.split(',').any(|c| c == "memory") => (root.join("memory"), VERSION_1),
            _ => continue,
        };
        let own: Vec<_> = Path::new(path)
            .components()
            .filter(|part| matches!(part, Component::Normal(_)))
            .collect();
        let depths = 0..=own.len();
        let directories = depths.map(|depth| mount.join(own[..depth].iter().collect::<PathBuf>()));
        rooms.extend(directories.filter_map(|directory| group(&directory, files)));
    }
    rooms
}

/// Returns the bound of one group; `None` if it has no limit.
fn group(directory: &Path, [limit, usage, inactive]: Files) -> Option<Room> {
    let read = |name: &str| fs::read_to_string(directory.join(name)).ok();
    let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
    let limit = number(limit)?;
    let inactive = read("memory.stat").and_then(|stat| value(&stat, &format!("{inactive} ")));
    let taken = number(usage)?.saturating_sub(inactive.unwrap_or(0));
    Some(Room {
        of: "the control group",
        bytes: limit.saturating_sub(taken),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: &str = "Limit                     Soft Limit           Hard Limit           Units     \n\
                          Max data size             unlimited            unlimited            bytes     \n\
                          Max address space         1048576000           unlimited            bytes     \n";

    #[test]
    fn a_limit_leaves_what_is_not_taken() {
        let rooms = of_limits(LIMITS, "VmPeak:\t  9 kB\nVmSize:\t  1000 kB\n");
        let wanted = Room {
            of: "the limit of the address space (ulimit -v)",
            bytes: 1_048_576_000 - 1_024_000,
        };
        assert_eq!(rooms, [wanted]);
        assert_eq!(of_limits("", ""), []);
        // The use is above the limit. This happens if the limit was set later.
        let rooms = of_limits(LIMITS, "VmSize:\t 99999999 kB\n");
        assert_eq!(rooms[0].bytes, 0);
    }

    fn write(directory: &Path, files: &[(&str, &str)]) {
        fs::create_dir_all(directory).unwrap();
        for (name, text) in files {
            fs::write(directory.join(name), text).unwrap();
        }
    }

    fn bytes(text: &str, root: &Path) -> Vec<u64> {
        groups(text, root).iter().map(|room| room.bytes).collect()
    }

    #[test]
    fn groups_of_version_2_leave_what_is_not_taken_at_each_level() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let stat = "anon 10\ninactive_file 300\n";
        write(
            &root.join("job"),
            &[
                ("memory.max", "1000\n"),
                ("memory.current", "800\n"),
                ("memory.stat", stat),
            ],
        );
        write(
            &root.join("job/step"),
            &[("memory.max", "max\n"), ("memory.current", "700\n")],
        );
        assert_eq!(bytes("0::/job/step\n", root), [500]);
        assert_eq!(bytes("0::/../job/step\n", root), [500]);
        assert_eq!(bytes("0::/elsewhere\n", root), [0; 0]);
        write(root, &[("memory.max", "600"), ("memory.current", "700")]);
        assert_eq!(bytes("0::/job/step\n", root), [0, 500]);
    }

    #[test]
    fn groups_of_version_1_are_those_of_the_memory_controller() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(
            &root.join("memory/job"),
            &[
                ("memory.limit_in_bytes", "1000\n"),
                ("memory.usage_in_bytes", "900\n"),
                ("memory.stat", "inactive_file 1\ntotal_inactive_file 100\n"),
            ],
        );
        let text = "5:cpu,cpuacct:/other\n4:memory:/job\n";
        assert_eq!(bytes(text, root), [200]);
        assert_eq!(bytes("garbage\n::\n", root), [0; 0]);
    }
}
