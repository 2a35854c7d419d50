// Whether the step that just ended was the last of its task, from fields of a replica's state. A halted replica begins
// no task. The fields are separate arguments, because a kernel may write other fields at the same time. Needs
// state.wgsl. Twin: ReplicaState::begins_task in src/state.rs.
fn begins_task(epoch: u32, batch: u32, updates: u32, halted: u32) -> bool {
    return epoch == 0u && batch == 0u && updates > 0u && halted == RUNNING;
}
