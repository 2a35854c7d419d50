//! Checks of an experiment before anything is read or written for it. Their time grows with the length of its file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use super::{Arm, Controllers, Experiment, ExperimentError, Placebo, PlaceboKind};
use crate::error::Error;
use crate::record::ALL_ARMS;
use crate::scheduler::Control;
use crate::spec::ImageSet;

/// The largest number of arms, and of seeds.
const MOST: usize = 10_000;
/// The largest number of tasks of random lengths: to find a task's steps takes as many draws as there are tasks before it.
const MOST_DRAWN: u32 = 100_000;
/// The largest number of bytes in a name, which is a directory's or a part of one.
pub(crate) const LONGEST_NAME: usize = 200;
/// The largest number of characters of a refused text that a message repeats.
const LONGEST_SHOWN: usize = 60;

impl Experiment {
    /// Checks every name and number of every arm.
    ///
    /// # Errors
    /// [`ExperimentError::Invalid`] or [`ExperimentError::Arm`], with the range that was wanted and the value that was
    /// found.
    pub fn check(&self, images: &ImageSet) -> Result<(), ExperimentError> {
        self.check_with(images, &Controllers::default())
    }

    /// Checks as [`Experiment::check`] does, with `controllers` for the arms that have a
    /// [`HostControl`](super::HostControl).
    ///
    /// # Errors
    /// The errors of [`Experiment::check`]; an arm whose controller is not one of `controllers`, or whose parameters
    /// that controller refuses.
    pub fn check_with(
        &self,
        images: &ImageSet,
        controllers: &Controllers,
    ) -> Result<(), ExperimentError> {
        let arms = self.check_names()?;
        let wanted = "1 to 10,000, all different";
        self.check_distinct("seeds", wanted, self.seeds.iter())?;
        for (what, number) in [("tasks", self.tasks), ("interval", self.interval)] {
            if number == 0 {
                return Err(self.invalid(what, "1 or more", number));
            }
        }
        let wanted = self.data();
        if let Some(found) = images.description()
            && *found != wanted
        {
            return Err(self.invalid("data", wanted.to_string(), found));
        }
        self.check_steps()?;
        for arm in &self.arms {
            self.check_arm(arm, &arms, images, controllers)
                .map_err(|source| ExperimentError::Arm {
                    arm: arm.name.clone(),
                    source,
                })?;
        }
        Ok(())
    }

    /// Checks the names alone, which a run of somebody else's comes with, and returns the arms by name.
    pub(crate) fn check_names(&self) -> Result<BTreeMap<&str, &Arm>, ExperimentError> {
        self.check_name()?;
        self.check_arm_names()
    }

    /// Checks that the name can be a directory's on every system.
    fn check_name(&self) -> Result<(), ExperimentError> {
        let name = &self.name[..];
        let is_path = name.contains(['/', '\\']) || [".", ".."].contains(&name);
        if is_path || !is_plain(name) {
            let wanted = "a name for its directory, of 1 to 200 bytes, without slashes and control characters";
            return Err(self.invalid("name", wanted, shown(name)));
        }
        Ok(())
    }

    /// Checks that the arms' names can stand in tables, in pictures and on terminals.
    fn check_arm_names(&self) -> Result<BTreeMap<&str, &Arm>, ExperimentError> {
        let names = self.arms.iter().map(|arm| &arm.name[..]);
        self.check_distinct("arms", "1 to 10,000, of different names", names.clone())?;
        if let Some(name) = names.clone().find(|name| !is_name(name)) {
            let wanted = "1 to 200 bytes, without control characters, not with =, +, - or @ at the beginning";
            return Err(self.invalid("name of an arm", wanted, shown(name)));
        }
        if names.clone().any(|name| name == ALL_ARMS) {
            let wanted = "another name than the one that stands for all arms in early_warning.csv";
            return Err(self.invalid("name of an arm", wanted, shown(ALL_ARMS)));
        }
        Ok(names.zip(&self.arms).collect())
    }

    fn check_steps(&self) -> Result<(), ExperimentError> {
        if self.switch_seed.is_some() && self.tasks > MOST_DRAWN {
            let wanted = "1 to 100,000 with a switch_seed";
            return Err(self.invalid("tasks", wanted, self.tasks));
        }
        let longest = self.task_lengths().longest();
        let total = u64::from(self.tasks).checked_mul(longest);
        if total.is_some_and(|total| total <= u64::from(u32::MAX)) {
            return Ok(());
        }
        let found = total.map_or("2^64 or more".to_owned(), |total| total.to_string());
        Err(self.invalid("training steps of a replica", "fewer than 2^32", found))
    }

    fn check_arm(
        &self,
        arm: &Arm,
        arms: &BTreeMap<&str, &Arm>,
        images: &ImageSet,
        controllers: &Controllers,
    ) -> Result<(), Error> {
        check_single_control(arm)?;
        check_single_network(arm)?;
        let network = self.network(arm)?;
        self.training_spec(&network, images, &[(arm, 0)]).check()?;
        let layers = network.blocks().len();
        self.scheduler(arm, None, layers, 0, controllers)?;
        if matches!(arm.control, Control::Clip(_)) && !arm.optimiser.has_second_moment() {
            let wanted = "adam, whose second moment the control clip compares with";
            return Err(Error::invalid("optimiser", wanted, arm.optimiser.name()));
        }
        match &arm.placebo {
            Some(placebo) => self.check_placebo(layers, placebo, arms),
            None => Ok(()),
        }
    }

    fn check_placebo(
        &self,
        layers: usize,
        placebo: &Placebo,
        arms: &BTreeMap<&str, &Arm>,
    ) -> Result<(), Error> {
        let refused = |wanted: &str| Err(Error::invalid("placebo of", wanted, shown(&placebo.of)));
        match arms.get(&placebo.of[..]) {
            Some(original) if original.placebo.is_some() => {
                refused("an arm that is no placebo itself")
            }
            Some(original) if self.layers(original).is_some_and(|found| found != layers) => {
                refused("an arm with as many layers")
            }
            Some(original)
                if placebo.kind == PlaceboKind::RandomCool && sets(&original.control) =>
            {
                refused(
                    "an arm whose control scales step sizes, because random-cool keeps the share of probes that cooled",
                )
            }
            Some(_) if placebo.kind == PlaceboKind::Replay && self.seeds.len() < 2 => {
                let wanted = "2 or more, because a seed replays another's step sizes";
                Err(Error::invalid("seeds", wanted, self.seeds.len()))
            }
            Some(_) => Ok(()),
            None => refused("the name of another arm"),
        }
    }

    /// The number of layers of `arm`; `None` where its network is refused, which is that arm's fault.
    fn layers(&self, arm: &Arm) -> Option<usize> {
        let network = self.network(arm).ok()?;
        Some(network.blocks().len())
    }

    fn check_distinct<T: Ord + Debug>(
        &self,
        what: &'static str,
        wanted: &str,
        found: impl ExactSizeIterator<Item = T>,
    ) -> Result<(), ExperimentError> {
        if !(1..=MOST).contains(&found.len()) {
            return Err(self.invalid(what, wanted, found.len()));
        }
        let mut known = BTreeSet::new();
        for one in found {
            let text = cut(format!("{one:?}"));
            if !known.insert(one) {
                return Err(self.invalid(what, wanted, format!("{text} twice")));
            }
        }
        Ok(())
    }

    fn invalid(
        &self,
        what: &'static str,
        wanted: impl Into<String>,
        found: impl ToString,
    ) -> ExperimentError {
        ExperimentError::Invalid {
            name: self.name.chars().take(LONGEST_SHOWN).collect(),
            what,
            wanted: wanted.into(),
            found: found.to_string(),
        }
    }
}

/// Fails where more than one of `control`, `placebo` and `host_control` would decide the step sizes.
fn check_single_control(arm: &Arm) -> Result<(), Error> {
    let wanted = match (&arm.placebo, &arm.host_control) {
        (None, None) => return Ok(()),
        (Some(_), Some(_)) => {
            let wanted = "none beside a placebo, which makes a control of its own";
            return Err(Error::invalid("host_control", wanted, "one"));
        }
        (Some(_), None) => "constant beside a placebo, which makes a control of its own",
        (None, Some(_)) => "constant beside a host_control, which takes its place",
    };
    if arm.control == Control::Constant {
        return Ok(());
    }
    Err(Error::invalid("control", wanted, "another"))
}

/// Fails where `hidden` or `activation` would change nothing, because the network has sizes of its own.
fn check_single_network(arm: &Arm) -> Result<(), Error> {
    let usual = Arm::default();
    if arm.network.is_mlp() || (&arm.hidden, arm.activation) == (&usual.hidden, usual.activation) {
        return Ok(());
    }
    let wanted = "their defaults beside a network that is no mlp, which states its own";
    let found = format!("{:?} and {:?}", arm.hidden, arm.activation);
    Err(Error::invalid("hidden and activation", wanted, found))
}

/// Whether the name can stand in tables, in pictures and on terminals.
pub(crate) fn is_name(name: &str) -> bool {
    // A spreadsheet takes text that begins with these characters for a formula.
    is_plain(name) && !name.starts_with(['=', '+', '-', '@'])
}

/// Whether a text is a name that is neither empty nor long, and that has no characters that control a terminal or turn
/// the direction of the text after them.
fn is_plain(name: &str) -> bool {
    let is_control =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (1..=LONGEST_NAME).contains(&name.len()) && !name.contains(is_control)
}

/// The beginning of `text` in quotes, with its control characters escaped.
pub(super) fn shown(text: &str) -> String {
    cut(format!("{text:?}"))
}

fn cut(text: String) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// Whether a control sets every step size in place of scaling the one before.
fn sets(control: &Control) -> bool {
    matches!(control, Control::Schedule(_) | Control::Replay(_))
}
