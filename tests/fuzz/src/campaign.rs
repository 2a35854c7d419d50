//! A fuzzing campaign: runs one input after another, and keeps an input that panics.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, process, thread};

use mutatis::Session;

use crate::mutate::below;
use crate::{Input, Target};

/// The longest time that an input may take; a longer one is a finding.
const LONGEST: Duration = Duration::from_secs(120);

/// The number of inputs so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The number of all inputs.
    pub inputs: u64,
    /// The number of inputs that nothing refused.
    pub accepted: u64,
}

/// An input that panics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The panic's message, with its place in the code.
    pub message: String,
    /// The number of the input.
    pub number: u64,
    /// The directory of the input.
    pub input: PathBuf,
}

/// A sequence of inputs that a seed decides, and the directory for them.
pub struct Campaign {
    seed: u64,
    place: PathBuf,
    watched: Arc<Mutex<Option<(Instant, PathBuf)>>>,
}

/// The message of the latest panic in any thread.
static MESSAGE: Mutex<String> = Mutex::new(String::new());

fn message() -> MutexGuard<'static, String> {
    MESSAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Campaign {
    /// Creates a campaign with inputs from `seed`. Each input is in a directory in `place` while it is read. From here on
    /// panics are silent, because they are findings. An input that takes two minutes ends the process.
    pub fn new(seed: u64, place: &Path) -> Self {
        panic::set_hook(Box::new(|info| *message() = info.to_string()));
        let watched = Arc::<Mutex<Option<(Instant, PathBuf)>>>::default();
        let at_work = watched.clone();
        thread::spawn(move || watch(&at_work));
        Self {
            seed,
            place: place.to_owned(),
            watched,
        }
    }

    /// Fuzzes `target` with inputs from number 0 on, the corpus first, as long as `goes_on` is true for the number. The
    /// second part of the result is the panic, if there was one.
    ///
    /// # Errors
    /// Returns an error where the file system refuses. A panic is not an error.
    pub fn run(
        &self,
        target: &Target,
        mut goes_on: impl FnMut(u64) -> bool,
    ) -> io::Result<(Tally, Option<Finding>)> {
        let corpus = (target.corpus)();
        let mut tally = Tally::default();
        for number in 0.. {
            if !goes_on(number) {
                break;
            }
            let input = self.input(target, &corpus, number);
            let directory = self.place.join(format!("{}-{number}", target.name));
            input.write(&directory)?;
            tally.inputs += 1;
            match self.try_input(target, &directory) {
                Ok(accepted) => tally.accepted += u64::from(accepted),
                Err(message) => {
                    // The target may have changed the files.
                    input.write(&directory)?;
                    let finding = Finding {
                        message,
                        number,
                        input: directory,
                    };
                    return Ok((tally, Some(finding)));
                }
            }
            std::fs::remove_dir_all(&directory)?;
        }
        Ok((tally, None))
    }

    /// Returns whether the target accepts the files in `directory`.
    ///
    /// # Errors
    /// Returns the message of a panic.
    pub fn try_input(&self, target: &Target, directory: &Path) -> Result<bool, String> {
        let watched = |state| *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = state;
        watched(Some((Instant::now(), directory.to_owned())));
        let result = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(directory)));
        watched(None);
        result.map_err(|_| message().clone())
    }

    /// Returns input number `number`: an input of the corpus as it is, or one changed up to eight times.
    fn input(&self, target: &Target, corpus: &[Input], number: u64) -> Input {
        let as_it_is = usize::try_from(number).ok().and_then(|n| corpus.get(n));
        if let Some(input) = as_it_is {
            return input.clone();
        }
        let mut hasher = DefaultHasher::new();
        (self.seed, target.name, number).hash(&mut hasher);
        let mut session = Session::new().seed(hasher.finish());
        let mut input = corpus[below(&mut session, corpus.len())].clone();
        // Most inputs get one change, because a file with many faults is refused for the first of them.
        let most = below(&mut session, 4);
        for _ in 0..1 << below(&mut session, most + 1) {
            (target.mutate)(&mut input, &mut session);
        }
        input
    }
}

fn watch(watched: &Mutex<Option<(Instant, PathBuf)>>) {
    loop {
        thread::sleep(Duration::from_secs(1));
        let state = watched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((begin, input)) = &*state
            && begin.elapsed() > LONGEST
        {
            eprintln!("no end after {LONGEST:?}: {}", input.display());
            process::exit(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes;

    /// A target with a planted fault: it reads a length and indexes by it without a check.
    const PLANTED: Target = Target {
        name: "planted",
        corpus: || vec![Input::of("file", [1, 0, 0, 0, 7])],
        mutate: |input, session| bytes(session, input.files.get_mut("file").unwrap()),
        run: |directory| {
            let bytes = std::fs::read(directory.join("file")).unwrap();
            let Some((length, rest)) = bytes.split_first() else {
                return false;
            };
            let number = usize::from(*length);
            number == 0 || rest[number - 1] == 0
        },
    };

    #[test]
    fn a_planted_panic_is_found_kept_and_found_again() {
        let place = tempfile::tempdir().unwrap();
        let campaign = Campaign::new(1, place.path());
        let (tally, finding) = campaign.run(&PLANTED, |number| number < 10_000).unwrap();
        let finding = finding.expect("a panic");
        assert!(
            finding.message.contains("index out of bounds"),
            "{finding:?}"
        );
        assert!(finding.message.contains("campaign.rs"), "{finding:?}");
        assert_eq!(tally.inputs, finding.number + 1);
        let again = campaign.try_input(&PLANTED, &finding.input);
        assert_eq!(again, Err(finding.message));
        let same = campaign.run(&PLANTED, |number| number < 10_000).unwrap();
        assert_eq!(same.1.unwrap().number, finding.number);
    }

    #[test]
    fn inputs_are_functions_of_seed_target_and_number() {
        let place = tempfile::tempdir().unwrap();
        let inputs = |seed: u64| -> Vec<Input> {
            let campaign = Campaign::new(seed, place.path());
            let corpus = (PLANTED.corpus)();
            (0..50)
                .map(|n| campaign.input(&PLANTED, &corpus, n))
                .collect()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
    }
}
