//! The program with its window, on a real screen or a virtual one: it trains, draws what it trains, and ends.

use std::fs::File;
use std::io::BufReader;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

const WIDTH: usize = 1280;
const HEIGHT: usize = 800;
const REPLICAS: usize = 3;

/// The colours of the first replicas, of a layer's curves, and of the largest weights.
const REPLICA_COLOURS: [[u8; 3]; REPLICAS] =
    [[0x44, 0x77, 0xaa], [0xee, 0x66, 0x77], [0x22, 0x88, 0x33]];
const STEP: [u8; 3] = [0x22, 0x55, 0x88];
const BOUND: [u8; 3] = [0xdd, 0x99, 0x33];

/// The colours of a picture, `[row][column]`.
type Picture = Vec<Vec<[u8; 3]>>;

fn read(file: &Path) -> Picture {
    let decoder = png::Decoder::new(BufReader::new(File::open(file).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((info.width, info.height), (WIDTH as u32, HEIGHT as u32));
    assert_eq!(info.color_type, png::ColorType::Rgb);
    let pixels: Vec<[u8; 3]> = bytes.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect();
    pixels.chunks(WIDTH).map(<[_]>::to_vec).collect()
}

fn region(picture: &Picture, x: Range<usize>, y: Range<usize>) -> Vec<[u8; 3]> {
    let rows = picture[y].iter();
    rows.flat_map(|row| row[x.clone()].to_vec()).collect()
}

/// Counts the pixels of a colour, within the error of blending.
fn count(pixels: &[[u8; 3]], colour: [u8; 3]) -> usize {
    let is_near = |pixel: &&[u8; 3]| pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 12);
    pixels.iter().filter(is_near).count()
}

#[test]
fn it_trains_and_draws_what_it_trains() {
    if ["DISPLAY", "WAYLAND_DISPLAY"].map(std::env::var_os) == [None, None] {
        assert!(
            std::env::var("TRAINABLE_REQUIRE_SCREEN").is_err(),
            "no screen"
        );
        eprintln!("\n*** NO SCREEN FOUND: the window is NOT being tested ***\n");
        return;
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../viewer.png");
    let options = "--hidden 64 --replicas 3 --batch 16 --images 64 --epochs 12 --interval 8 --step-size 0.003 --budget 60";
    let output = Command::new(env!("CARGO_BIN_EXE_trainable-viewer"))
        .args(options.split(' '))
        .args(["--frames", "200", "--screenshot"])
        .arg(&file)
        .output()
        .unwrap();
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    eprintln!("{said}{complained}");
    assert!(output.status.success(), "{}", output.status);
    let mut words = said.split(' ');
    let tasks = words.nth(1).and_then(|word| word.parse().ok());
    assert!(tasks >= Some(3_u32), "tasks are finished: {said}");
    let accuracies = said
        .lines()
        .next()
        .and_then(|line| line.split_once("latest: "));
    let accuracies = accuracies.expect("the latest accuracies").1.split(' ');
    let accuracies: Vec<f64> = accuracies.map(|word| word.parse().unwrap()).collect();
    assert_eq!(accuracies.len(), REPLICAS);
    assert!(accuracies.iter().all(|share| (0.0..=1.0).contains(share)));

    let picture = read(&file);
    let accuracy = region(&picture, 350..720, 30..440);
    for colour in REPLICA_COLOURS {
        assert!(
            count(&accuracy, colour) > 50,
            "{colour:?} in the accuracies"
        );
    }
    let layers = region(&picture, 300..1270, 500..780);
    for colour in [STEP, BOUND] {
        assert!(count(&layers, colour) > 100, "{colour:?} in the layers");
    }
    // The negative control: a colour of one plot does not occur in the other.
    assert_eq!(count(&accuracy, BOUND), 0);
    assert_eq!(count(&layers, REPLICA_COLOURS[1]), 0);

    let weights = region(&picture, 820..1260, 40..440);
    let red = |p: &&[u8; 3]| p[0] > p[2].saturating_add(40);
    let blue = |p: &&[u8; 3]| p[2] > p[0].saturating_add(40);
    let mut colours = weights.clone();
    colours.sort_unstable();
    colours.dedup();
    assert!(colours.len() > 100, "only {} colours", colours.len());
    for share in [
        weights.iter().filter(red).count(),
        weights.iter().filter(blue).count(),
    ] {
        assert!(share * 50 > weights.len(), "{share} of {}", weights.len());
    }
}
