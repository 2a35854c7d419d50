// The sort of parameter tensors: its keys, and the replicas that it sorts. Needs tensors.wgsl. Twin: src/cpu/sort.rs.

const SORT_DIGITS: u32 = 256u;   // values of a digit: 8 bits of the key

const SIGN: u32 = 0x80000000u;

// The key of a float with these bits. The unsigned order of keys is the total order of floats: -inf, -1, -0, 0, 1, inf.
fn key_of(bits: u32) -> u32 {
    return bits ^ select(SIGN, 0xffffffffu, (bits & SIGN) != 0u);
}

fn float_of(key: u32) -> f32 {
    return bitcast<f32>(key ^ select(0xffffffffu, SIGN, (key & SIGN) != 0u));
}

// Only replicas in training with a Wasserstein regulariser are sorted.
fn is_sorted(config: ReplicaConfig, state: ReplicaState) -> bool {
    return config.wasserstein != 0.0 && state.halted == RUNNING;
}
