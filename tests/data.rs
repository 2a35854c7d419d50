//! MNIST and other data in its format, from every source. The message of every fault says what is wrong and where.

#[path = "common/published.rs"]
mod published;

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use published::{TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, idx, idx_labels};
use tempfile::TempDir;
use trainable::data::{self, DataError, Dataset, Fault, Pixels, Shape};

const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Returns the files of seven images of 5 x 3 pixels, in classes 0 to 4.
fn small() -> [(&'static str, Vec<u8>); 2] {
    let pixels: Vec<u8> = (0..7 * 15).map(|i| (i * 2) as u8).collect();
    [
        (TRAIN_IMAGES, idx([7, 5, 3], &pixels)),
        (TRAIN_LABELS, idx_labels(&[0, 4, 2, 1, 4, 3, 0])),
    ]
}

fn directory(files: &[(impl AsRef<str>, Vec<u8>)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, bytes) in files {
        fs::write(directory.path().join(name.as_ref()), bytes).unwrap();
    }
    directory
}

fn loaded(files: &[(impl AsRef<str>, Vec<u8>)]) -> Dataset {
    data::load(directory(files).path()).unwrap()
}

/// Returns the files of the small set, one of them replaced.
fn with(name: &str, bytes: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let raw = name.trim_end_matches(".gz");
    let others = small().into_iter().filter(|(own, _)| *own != raw);
    let mut files: Vec<_> = others.map(|(own, b)| (own.to_owned(), b)).collect();
    files.push((name.to_owned(), bytes));
    files
}

fn refusal(files: &[(impl AsRef<str>, Vec<u8>)]) -> String {
    let place = directory(files);
    let error = data::load(place.path()).unwrap_err().to_string();
    let root = place.path().to_str().unwrap();
    assert!(error.starts_with(root), "{error}");
    error[root.len()..].trim_start_matches('/').to_owned()
}

#[track_caller]
fn assert_refused(files: &[(impl AsRef<str>, Vec<u8>)], wanted: &str) {
    assert_eq!(refusal(files), wanted);
}

#[cfg(feature = "embedded-mnist")]
mod mnist {
    use super::*;
    use trainable::spec::ImageSet;

    fn embedded() -> Dataset {
        data::embedded().unwrap()
    }

    #[test]
    fn the_embedded_training_set_is_the_one_published() {
        let set = embedded();
        assert_eq!((&set.name[..], set.classes), ("MNIST", 10));
        assert_eq!(set.description(), data::Description::mnist());
        assert_eq!(set.train.labels.len(), 60_000);
        assert_eq!(set.train.labels[..5], [5, 0, 4, 1, 9]);
        assert!(set.test.is_none());
        let Pixels::Bytes(pixels) = &set.train.pixels else {
            panic!("MNIST is of bytes");
        };
        assert_eq!(pixels.len(), 60_000 * 784);
        // The table of the format's authors has these pixels in row 5 of the first image, a five.
        assert_eq!(pixels[5 * 28 + 12..][..6], [3, 18, 18, 18, 126, 136]);
        assert!(format!("{set:?}").len() < 200);
    }

    /// The computed statistics have the bits of the constants that earlier versions used, so that old runs can be resumed.
    #[test]
    fn its_statistics_are_the_constants_of_old() {
        let images = ImageSet::training(&embedded()).unwrap();
        let [statistics] = images.statistics() else {
            panic!("one channel");
        };
        assert_eq!(statistics.mean.to_bits(), 0.130_660_48_f32.to_bits());
        assert_eq!(statistics.deviation.to_bits(), 0.308_107_8_f32.to_bits());
    }

    /// The `mnist` crate reads raw files of the published size; this crate reads compressed ones.
    #[test]
    fn both_readers_read_the_same() {
        let set = embedded();
        let raw = published::directory(&set);
        let read = data::load(raw.path()).unwrap();
        assert_eq!(read.name, "MNIST");
        assert!(read.train == set.train);
        let compressed = TempDir::new().unwrap();
        for file in fs::read_dir(raw.path()).unwrap() {
            let file = file.unwrap();
            let name = format!("{}.gz", file.file_name().to_str().unwrap());
            let bytes = gzip(&fs::read(file.path()).unwrap());
            fs::write(compressed.path().join(name), bytes).unwrap();
        }
        assert!(data::load(compressed.path()).unwrap() == read);
        // A changed pixel changes the data, and the set gets another name.
        let file = raw.path().join(TRAIN_IMAGES);
        let mut bytes = fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&file, bytes).unwrap();
        let changed = data::load(raw.path()).unwrap();
        assert!(changed.train != set.train);
        assert_eq!(
            changed.name,
            raw.path().file_name().unwrap().to_str().unwrap()
        );
        // One byte more than the header announces is refused, not ignored.
        let mut bytes = fs::read(&file).unwrap();
        bytes.push(0);
        fs::write(&file, bytes).unwrap();
        let error = data::load(raw.path()).unwrap_err().to_string();
        let wanted = "size by the header: wanted 47040016 bytes, found more";
        assert!(error.ends_with(wanted), "{error}");
    }
}

#[test]
fn any_counts_and_sizes_are_read_raw_or_compressed() {
    let set = loaded(&small());
    assert_eq!(set.train.shape, Shape::from([1, 5, 3]));
    assert_eq!(set.train.labels, [0, 4, 2, 1, 4, 3, 0]);
    assert_eq!(set.classes, 5);
    assert!(set.test.is_none());
    let pixels = (0..7 * 15).map(|i| (i * 2) as u8).collect();
    assert_eq!(set.train.pixels, Pixels::Bytes(pixels));

    let compressed = small().map(|(name, bytes)| (format!("{name}.gz"), gzip(&bytes)));
    assert_eq!(loaded(&compressed).train, set.train);
    // The raw file is read where a compressed one is beside it.
    let mut both = small()
        .map(|(name, bytes)| (name.to_owned(), bytes))
        .to_vec();
    both.push((format!("{TRAIN_LABELS}.gz"), b"damaged".to_vec()));
    assert_eq!(loaded(&both).train, set.train);
}

#[test]
fn test_files_may_be_there_and_then_must_fit() {
    let [images, labels] = small();
    let test = |shape: [u32; 3], own: &[u8]| {
        let pixels = vec![9; shape.iter().product::<u32>() as usize];
        vec![
            images.clone(),
            labels.clone(),
            (TEST_IMAGES, idx(shape, &pixels)),
            (TEST_LABELS, idx_labels(own)),
        ]
    };
    let set = loaded(&test([2, 5, 3], &[6, 1]));
    assert_eq!(set.test.unwrap().labels, [6, 1]);
    assert_eq!(set.classes, 7);
    let wanted = ": shape of a test image: wanted 1 x 5 x 3, as for training, found 1 x 3 x 5";
    assert_refused(&test([2, 3, 5], &[6, 1]), wanted);
    let wanted =
        ": files: wanted t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz, found neither";
    assert_refused(&test([2, 5, 3], &[6, 1])[..3], wanted);
}

#[test]
fn every_fault_of_a_file_says_what_was_wanted_and_what_was_found() {
    let [(_, images), (_, labels)] = small();
    let refused = |bytes: Vec<u8>, wanted: &str| {
        assert_refused(
            &with(TRAIN_IMAGES, bytes),
            &format!("{TRAIN_IMAGES}: {wanted}"),
        );
    };
    refused(images[..15].to_vec(), "header: wanted 16 bytes, found 15");
    refused(
        images[..120].to_vec(),
        "size by the header: wanted 121 bytes, found the end after 120",
    );
    refused(
        [&images[..], &[0]].concat(),
        "size by the header: wanted 121 bytes, found more",
    );
    refused(
        [labels.clone(), vec![0; 16]].concat(),
        "magic number: wanted 0x00000803, found 0x00000801",
    );
    let found = refusal(&with(TRAIN_IMAGES, gzip(&images)));
    assert!(
        found.ends_with("(a gzip file? then its name must end in .gz)"),
        "{found}"
    );
    refused(
        idx([0, 5, 3], &[]),
        "images: wanted one or more, of 1 x 1 or more, found 0 of 5 x 3 pixels",
    );
    refused(
        idx([7, 0, 3], &[]),
        "images: wanted one or more, of 1 x 1 or more, found 7 of 0 x 3 pixels",
    );
    refused(
        idx([u32::MAX; 3], &[0; 9]),
        "size by the header: wanted fewer than 2147483648 bytes, found \
         79228162458924105385300197375",
    );
    assert_refused(
        &with(TRAIN_LABELS, idx_labels(&[0, 1])),
        ": train-labels-idx1-ubyte: labels: wanted 7, one for each image, found 2",
    );
    assert_refused(
        &with(TRAIN_LABELS, idx_labels(&[3; 7])),
        ": labels: wanted two classes or more, found only 3",
    );
    assert_refused(
        &small()[..1],
        ": files: wanted train-labels-idx1-ubyte or train-labels-idx1-ubyte.gz, found neither",
    );
}

#[test]
fn every_fault_of_a_compressed_file_is_found() {
    let [(_, images), _] = small();
    let name = format!("{TRAIN_IMAGES}.gz");
    let refused = |bytes: Vec<u8>| refusal(&with(&name, bytes));
    let whole = gzip(&images);
    for kept in [0, 1, 9, whole.len() / 2, whole.len() - 1] {
        let found = refused(whole[..kept].to_vec());
        assert!(
            found.contains(".gz: gzip: wanted whole data, found a fault"),
            "{found}"
        );
    }
    // A fault in any of the last eight bytes, the checksum and the length, is noticed.
    for place in whole.len() - 8..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        let found = refused(bytes);
        assert!(
            found.contains("gzip: wanted whole data, found a fault after"),
            "{found}"
        );
    }
    let found = refused([&whole[..], b"A"].concat());
    let wanted = ": after the gzip member: wanted the end of the file, found byte 0x41";
    assert!(found.ends_with(wanted), "{found}");
    // A file that decompresses to far more than its header announces takes no more memory than announced.
    let bomb = gzip(&[&images[..], &vec![0; 1 << 26]].concat());
    assert!(bomb.len() < 1 << 20);
    let found = refused(bomb);
    assert!(
        found.ends_with("size by the header: wanted 121 bytes, found more"),
        "{found}"
    );
}

#[test]
fn a_place_without_data_is_refused() {
    let place = TempDir::new().unwrap();
    let absent = place.path().join("absent");
    let error = data::load(&absent).unwrap_err();
    assert!(matches!(&error, DataError::Unreadable { path, .. } if *path == absent));
    let nothing: [(&str, Vec<u8>); 0] = [];
    assert_refused(
        &nothing,
        ": training files: wanted one of train-images-idx3-ubyte (or .gz), data_batch_1.bin and train.bin, found none",
    );
    let two = [&small()[..], &[("train.bin", vec![0; 3074])]].concat();
    let found = refusal(&two);
    assert!(
        found.ends_with("found train-images-idx3-ubyte and train.bin"),
        "{found}"
    );
}

/// Opening a pipe would wait for ever for a writer.
#[cfg(unix)]
#[test]
fn only_regular_files_are_opened() {
    let pipe = |path: &Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    };
    for name in [TRAIN_IMAGES, TRAIN_LABELS, "train-images-idx3-ubyte.gz"] {
        let place = directory(&with(name, Vec::new()));
        let path = place.path().join(name);
        fs::remove_file(&path).unwrap();
        pipe(&path);
        let error = data::load(place.path()).unwrap_err().to_string();
        let wanted = format!(
            "{}: kind of file: wanted a regular file, found a pipe, a device or the like",
            path.display()
        );
        assert_eq!(error, wanted);
    }
    let place = TempDir::new().unwrap();
    let path = place.path().join("data.npz");
    pipe(&path);
    for path in [&path, Path::new("/dev/zero")] {
        let error = data::load(path).unwrap_err().to_string();
        assert!(
            error.contains("kind of file: wanted a regular file"),
            "{error}"
        );
    }
    let place = directory(&small()[..1]);
    fs::create_dir(place.path().join(TRAIN_LABELS)).unwrap();
    let error = data::load(place.path()).unwrap_err().to_string();
    assert!(
        error.ends_with("wanted a regular file, found a directory"),
        "{error}"
    );
}

/// A sparse file takes no room on the disk, and reading it must take no memory.
#[cfg(unix)]
#[test]
fn a_file_larger_than_the_limit_is_not_read() {
    let place = directory(&small()[..1]);
    let path = place.path().join(TRAIN_LABELS);
    fs::File::create(&path)
        .unwrap()
        .set_len((1 << 31) + 1)
        .unwrap();
    let error = data::load(place.path()).unwrap_err().to_string();
    let wanted = "size of the file: wanted 2147483648 bytes at most, found 2147483649";
    assert!(error.ends_with(wanted), "{error}");
}

#[test]
fn a_description_in_a_file_is_checked() {
    let read = |text: &str| toml::from_str::<data::Description>(text).map_err(|e| e.to_string());
    let text = |name: &str, shape: &str, classes: u32| {
        format!("name = {name}\nshape = {shape}\nclasses = {classes}")
    };
    let good = read(&text("'mine'", "[3, 32, 32]", 100)).unwrap();
    assert_eq!(good.to_string(), "mine (3 x 32 x 32 pixels, 100 classes)");
    for (file, wanted) in [
        (
            text("''", "[1, 2, 2]", 2),
            "name: wanted one character or more",
        ),
        (
            text("\"\\u001b[31m\"", "[1, 2, 2]", 2),
            "name: wanted one character or more",
        ),
        (
            text("'a'", "[0, 2, 2]", 2),
            "shape of an image: wanted sides of 1 or more",
        ),
        (
            text("'a'", "[65536, 65536, 2]", 2),
            "shape of an image: wanted sides of 1 or more",
        ),
        (
            text("'a'", "[1, 2, 2]", 1),
            "classes: wanted 2 or more, found 1",
        ),
    ] {
        let error = read(&file).unwrap_err();
        assert!(error.contains(wanted), "{error}");
    }
}

proptest! {
    /// Random bytes, most of them with a correct beginning, give an error or images and never a panic.
    #[test]
    fn no_bytes_panic(fields in prop::array::uniform3(0_u32..5), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let file = idx(fields, &bytes);
        let wanted = fields.iter().product::<u32>() as usize;
        let found: Result<_, Fault> = data::parse::idx_images(&file);
        prop_assert_eq!(found.is_ok(), wanted > 0 && wanted == bytes.len());
        let _ = data::parse::idx_images(&bytes);
        let _ = data::parse::idx_labels(&bytes);
        let _ = data::parse::idx_gz(&bytes);
    }
}
