//! The state of a controller in checkpoints.

use crate::{
    Forgetful, HalvingParameters, Stubborn, controllers, halving_experiment, images, train,
};
use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use trainable::Compute;
use trainable::experiment::{
    Controllers, Event, Experiment, Results, RunDirectory, run_in_with, write_tables,
};
use trainable::report::{Foreign, write_figures, write_page};

/// Stops at a checkpoint whenever more than 30 steps were done, and resumes, until the run is finished.
fn interrupted(experiment: &Experiment, controllers: &Controllers, place: &Path) -> (Results, u32) {
    let images = images();
    for starts in 0..100 {
        let resumed = RunDirectory::resume(place, experiment, &Compute::Cpu, &images).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let directory = resumed.expect("unfinished").stopped_by(stop.clone());
        let mut steps = 0;
        let tell = |event: Event<'_>| {
            if let Event::Steps(done) = event {
                steps += done;
                stop.store(steps > 30 * 9, Ordering::Relaxed);
            }
        };
        let ended = run_in_with(
            directory,
            experiment,
            controllers,
            &Compute::Cpu,
            &images,
            tell,
        );
        if let Some((results, directory)) = ended.unwrap() {
            write_tables(place, experiment, &results).unwrap();
            write_figures(place, experiment, &results).unwrap();
            directory.finish().unwrap();
            return (results, starts);
        }
    }
    panic!("it does not get on");
}

#[test]
fn an_interrupted_run_keeps_the_state_of_a_hosts_controller() {
    let experiment = halving_experiment();
    let whole = train(&experiment);
    let place = tempfile::tempdir().unwrap();
    let (results, starts) = interrupted(&experiment, &controllers(), place.path());
    assert!(starts >= 3, "{starts}");
    assert!(results == whole);
    // The tables make a report as those of any other run do.
    let description = toml::to_string(&experiment).unwrap();
    std::fs::write(place.path().join("experiment.toml"), description).unwrap();
    let page = place.path().join("report.html");
    write_page(&[place.path()], &page, Foreign::Keep).unwrap();
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("halved") && page.contains("replayed"));

    // The comparison notices a controller that loses its count.
    let forgetful = |p: HalvingParameters| {
        Ok(Forgetful {
            every: p.every,
            seen: 0,
        })
    };
    let controllers = Controllers::default().with("halving", forgetful);
    let place = tempfile::tempdir().unwrap();
    let (results, _) = interrupted(&experiment, &controllers, place.path());
    assert!(results != whole);
}

#[test]
fn a_checkpoint_that_a_hosts_controller_cannot_read_is_refused() {
    let experiment = halving_experiment();
    let place = tempfile::tempdir().unwrap();
    let images = images();
    let open = || RunDirectory::resume(place.path(), &experiment, &Compute::Cpu, &images);
    let stop = Arc::new(AtomicBool::new(true));
    let directory = open().unwrap().unwrap().stopped_by(stop);
    let run_in = |directory, controllers: &Controllers| {
        run_in_with(
            directory,
            &experiment,
            controllers,
            &Compute::Cpu,
            &images,
            |_| {},
        )
    };
    assert!(run_in(directory, &controllers()).unwrap().is_none());
    // Another controller has the same name.
    let other = Controllers::default().with("halving", |_: HalvingParameters| Ok(Stubborn(vec![])));
    let error = run_in(open().unwrap().unwrap(), &other)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("checkpoint.safetensors is damaged: invalid type: map"),
        "{error}"
    );
    assert!(
        run_in(open().unwrap().unwrap(), &controllers())
            .unwrap()
            .is_some()
    );
}

/// A checkpoint cannot hold a state with a NaN, because JSON has none. The run ends at its first checkpoint, not when it is
/// resumed.
#[test]
fn a_state_that_cannot_be_read_back_is_no_checkpoint() {
    let place = tempfile::tempdir().unwrap();
    let (experiment, images) = (halving_experiment(), images());
    let resumed = RunDirectory::resume(place.path(), &experiment, &Compute::Cpu, &images);
    let directory = resumed.unwrap().unwrap();
    let lost = |_: HalvingParameters| Ok(Stubborn(vec![f64::NAN; 3]));
    let controllers = Controllers::default().with("halving", lost);
    let stop = Arc::new(AtomicBool::new(true));
    let directory = directory.stopped_by(stop);
    let tell = |_: Event<'_>| ();
    let ended = run_in_with(
        directory,
        &experiment,
        &controllers,
        &Compute::Cpu,
        &images,
        tell,
    );
    let error = ended.unwrap_err();
    let wanted = "checkpoint.safetensors";
    assert!(error.to_string().ends_with(wanted), "{error}");
    let cause = error.source().unwrap().to_string();
    assert!(cause.starts_with("invalid type: null"), "{cause}");
    assert!(!place.path().join(wanted).exists());
}
