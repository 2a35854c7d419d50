//! Networks that lists of items make, and lists that are refused.

use super::Item::{Activation as F, Add, Attention, Linear};
use super::*;
use Activation::{Crelu, Gelu, Relu};

#[test]
fn a_perceptron_is_a_sequence() {
    let items = [Linear(5), F(Crelu), Linear(4), F(Crelu), Linear(3)];
    let mlp = Network::mlp(&[7, 5, 4, 3], Crelu).unwrap();
    assert_eq!(Network::sequence(7, &items).unwrap(), mlp);
}

#[test]
fn a_sum_reads_two_values_and_has_no_block() {
    let items = [Linear(5), F(Gelu), Linear(5), Add(2), F(Relu), Linear(3)];
    let network = Network::sequence(4, &items).unwrap();
    assert_eq!(network.blocks().len(), 3);
    let [first, second, sum, last] = network.nodes() else {
        panic!("four nodes");
    };
    assert_eq!((sum.block, &sum.op), (None, &Op::Add(super::Add)));
    assert_eq!(sum.inputs, [second.output, first.output]);
    assert!(network.is_read_after(second, first.output));
    assert!(!network.is_read_after(sum, first.output));
    let reached = network
        .nodes()
        .iter()
        .map(|node| network.blocks_up_to(node.output));
    assert_eq!(reached.collect::<Vec<_>>(), [1, 2, 2, 3]);
    assert_eq!(network.value(sum.output).activation, Relu);
    assert_eq!(network.value(last.output).units, 3);
}

fn parse(items: &[&str]) -> Vec<Item> {
    items.iter().map(|item| item.parse().unwrap()).collect()
}

fn shapes(network: &Network) -> Vec<(u32, [u32; 2])> {
    let values = network.values().iter();
    values.map(|value| (value.units, value.grid)).collect()
}

#[test]
fn a_convolution_is_a_linear_operation_on_patches() {
    let items = parse(&[
        "conv 6 kernel 5 stride 2 padding 1",
        "crelu",
        "conv 4 kernel 1",
        "flatten",
        "linear 10",
    ]);
    let network = Network::sequence([3, 8, 9], &items).unwrap();
    let wanted = [
        (3 * 8 * 9, [1, 1]),
        (3 * 25, [3, 4]),
        (6, [3, 4]),
        (4, [3, 4]),
        (4 * 12, [1, 1]),
        (10, [1, 1]),
    ];
    assert_eq!(shapes(&network), wanted);
    let tensors = network.tensors().iter();
    let tensors = tensors.map(|tensor| (&tensor.name[..], &tensor.shape[..]));
    let wanted: [(_, &[u32]); 6] = [
        ("conv1.weight", &[6, 3, 5, 5]),
        ("conv1.bias", &[6]),
        ("conv2.weight", &[4, 12, 1, 1]),
        ("conv2.bias", &[4]),
        ("fc1.weight", &[10, 48]),
        ("fc1.bias", &[10]),
    ];
    assert_eq!(tensors.collect::<Vec<_>>(), wanted);
}

/// A pool has the copies of an image as channels, and leaves out what no whole window holds.
#[test]
fn pools_have_windows_that_fit() {
    let items = [
        "conv 3 kernel 1",
        "crelu",
        "max-pool 3 stride 2 padding 1",
        "tanh",
        "average-pool 2",
        "global-average-pool",
        "linear 4",
    ];
    let network = Network::sequence([2, 7, 10], &parse(&items)).unwrap();
    let wanted = [
        (3, [7, 10]),
        (6, [4, 5]),
        (6, [2, 2]),
        (6, [1, 1]),
        (4, [1, 1]),
    ];
    assert_eq!(shapes(&network)[2..], wanted);
    assert_eq!(network.values()[3].activation, Activation::Tanh);
}

/// An image has positions where an item needs them; a vector needs no flattening.
#[test]
fn the_minibatch_becomes_an_image_where_it_must() {
    let values = |items: &[&str]| {
        let network = Network::sequence([2, 3, 4], &parse(items)).unwrap();
        network.values().len()
    };
    assert_eq!(values(&["flatten", "linear 2"]), 2);
    assert_eq!(values(&["flatten", "linear 3", "flatten", "linear 2"]), 3);
    assert_eq!(values(&["linear 5", "flatten", "linear 2"]), 5);
    let residual = ["conv 2 kernel 3 padding 1", "add 0", "flatten", "linear 2"];
    assert_eq!(values(&residual), 7);
    let mlp = Network::mlp(&[5, 2], Activation::Identity).unwrap();
    let vector = Network::sequence(5, &parse(&["flatten", "linear 2"])).unwrap();
    assert_eq!(vector, mlp);
}

#[test]
fn images_that_do_not_fit_are_refused() {
    for (items, wanted) in [
        (
            &["flatten", "conv 6 kernel 2", "linear 2"][..],
            "an image (channels x height x width) for item 2 (conv 6 kernel 2), found a vector of 40",
        ),
        (
            &[
                "conv 6 kernel 3",
                "crelu",
                "conv 6 kernel 5 padding 1",
                "linear 2",
            ],
            "an image that holds 5 x 5 for item 3 (conv 6 kernel 5 padding 1), \
             found 2 x 6 x 2 x 3 with a padding of 1",
        ),
        (
            &["conv 6 kernel 2 padding 2", "linear 2"],
            "a padding of 1 at most for item 1 (conv 6 kernel 2 padding 2), found 2",
        ),
        (
            &["conv 6 kernel 2 stride 0", "linear 2"],
            "a kernel and a stride of 1 to 65,535 for item 1 (conv 6 kernel 2 stride 0), \
             found a kernel of 2 with a stride of 0",
        ),
        (
            &["conv 6 kernel 2", "flatten", "relu", "linear 2"],
            "an activation before item 2 (flatten), found Relu after it",
        ),
        (
            &["conv 6 kernel 2", "linear 2"],
            "logits of one position (flatten before the last item), found 2 x 3 x 4",
        ),
        (
            &["max-pool 3 padding 2", "linear 2"],
            "a padding of 1 at most for item 1 (max-pool 3 padding 2), found 2",
        ),
        (
            &["average-pool 7", "linear 2"],
            "an image that holds 7 x 7 for item 1 (average-pool 7), \
             found 2 x 4 x 5 with a padding of 0",
        ),
        (
            &["flatten", "global-average-pool", "linear 2"],
            "an image (channels x height x width) for item 2 (global-average-pool), \
             found a vector of 40",
        ),
        (
            &["linear 2"],
            "logits of one position (flatten before the last item), found 2 x 4 x 5",
        ),
    ] {
        let error = Network::sequence([2, 4, 5], &parse(items)).unwrap_err();
        let wanted = format!("items of a network: wanted {wanted}");
        assert_eq!(error.to_string(), wanted, "{items:?}");
    }
    let refusal = |shape: [u32; 3]| {
        let error = Network::sequence(shape, &parse(&["flatten", "linear 2"])).unwrap_err();
        error.to_string()
    };
    let wanted = "an image as input: wanted 1 to 1,048,576 elements, found ";
    assert_eq!(refusal([3, 0, 4]), format!("{wanted}3 x 0 x 4"));
    assert_eq!(
        refusal([1 << 11, 1 << 11, 1 << 11]),
        format!("{wanted}2048 x 2048 x 2048")
    );
    let wide = parse(&[
        "conv 2 kernel 3 padding 1",
        "conv 2 kernel 1",
        "flatten",
        "linear 2",
    ]);
    let wide = Network::sequence([1 << 17, 2, 4], &wide).unwrap_err();
    let wanted = "items of a network: wanted patches of 1,048,576 elements at most for item 1 \
                  (conv 2 kernel 3 padding 1), found 1179648 of a vector of 1048576";
    assert_eq!(wide.to_string(), wanted);
}

#[test]
fn attention_makes_a_third_of_the_units_and_has_no_block() {
    let items = [Linear(12), Attention(2), F(Gelu), Linear(3)];
    let network = Network::sequence(4, &items).unwrap();
    let node = &network.nodes()[1];
    assert_eq!(node.op, Op::Attention(super::Attention { heads: 2 }));
    assert_eq!((node.block, network.blocks().len()), (None, 2));
    let made = network.value(node.output);
    assert_eq!((made.units, made.activation), (4, Gelu));
}

/// Two copies become units of one where an operation takes no more; once, whatever number of operations read them.
#[test]
fn copies_are_joined_for_operations_that_take_one() {
    let items = [
        "linear 6",
        "crelu",
        "attention 2",
        "linear 6",
        "fourier",
        "add 2",
        "layer-norm",
        "add 5",
        "linear 3",
    ];
    let network = Network::sequence(4, &parse(&items)).unwrap();
    let units = network.values().iter().map(|value| value.width());
    let wanted = [4, 12, 12, 4, 12, 12, 12, 12, 12, 3];
    assert_eq!(units.collect::<Vec<_>>(), wanted);
    let pools = network.nodes().iter();
    let pools = pools.filter(|node| matches!(node.op, Op::Pool(_)));
    let read: Vec<_> = pools.map(|node| node.inputs[0].index()).collect();
    assert_eq!(read, [1, 4]);
    let copies = network.values().iter().map(|value| value.copies());
    assert_eq!(copies.filter(|copies| *copies == 2).count(), 2);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refusal = |items: &[Item]| Network::sequence(4, items).unwrap_err().to_string();
    let shapes = "terms of a sum: wanted values of one shape, found ";
    let items = "items of a network: wanted ";
    let term =
        "a term of a sum: wanted the number of an earlier item, or 0 for the input, found item ";
    for (items, wanted) in [
        (
            &[Linear(5), Add(0), Linear(2)][..],
            format!("{shapes}a vector of 5 and a vector of 4"),
        ),
        (
            &[Linear(4), F(Crelu), Linear(4), Add(2), Linear(2)],
            format!("{shapes}a vector of 4 and a vector of 8"),
        ),
        (
            &[Linear(4), F(Relu), Linear(4), Add(1), Linear(2)],
            format!("{term}1, whose value exists after its activation only"),
        ),
        (
            &[Linear(4), Add(3), Linear(2)],
            format!("{term}3, which is not before it"),
        ),
        (
            &[Linear(4), Add(1), Linear(2)],
            "terms of a sum: wanted two values, found one value twice".to_owned(),
        ),
        (
            &[Linear(12), Attention(3), Linear(2)],
            format!("{items}a width that the heads of item 2 (attention 3) divide, found 4"),
        ),
        (
            &[Linear(4), F(Gelu), Attention(1), Linear(2)],
            format!(
                "{items}3 x width units for item 3 (attention 1): queries, keys and values, found 4"
            ),
        ),
        (
            &[Linear(5), F(Crelu), Attention(2), Linear(2)],
            format!(
                "{items}3 x width units for item 3 (attention 2): queries, keys and values, found 10"
            ),
        ),
        (
            &[Linear(6), Attention(0), Linear(2)],
            format!("{items}1 head at least for item 2 (attention 0), found 0"),
        ),
        (
            &[F(Relu), Linear(2)],
            "items of a network: wanted an operation before Relu, found the input".to_owned(),
        ),
        (
            &[Linear(4), F(Relu), F(Gelu), Linear(2)],
            "items of a network: wanted an operation before Gelu, found another activation"
                .to_owned(),
        ),
    ] {
        assert_eq!(refusal(items), wanted, "{items:?}");
    }
    for items in [
        &[][..],
        &[Linear(1)],
        &[Linear(3), F(Relu)],
        &[Linear(0), Linear(2)],
    ] {
        refusal(items);
    }
}

/// A pool makes channels of copies, so that pools and doubled features in turn double the channels each time.
#[test]
fn pools_make_no_more_channels_than_a_value_may_have() {
    let doubled = |times: usize| {
        let items = ["max-pool 1", "crelu"].repeat(times);
        let items = [&["conv 1 kernel 1"][..], &items, &["flatten", "linear 2"]].concat();
        Network::sequence([1, 2, 2], &parse(&items))
    };
    assert_eq!(doubled(8).unwrap().classes(), 2);
    let error = doubled(32).unwrap_err().to_string();
    assert!(error.contains("1 to 1,048,576"), "{error}");
}
