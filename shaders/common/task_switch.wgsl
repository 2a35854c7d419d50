// Whether the step that just ended was its task's last, from fields of a replica's state. A replica that is halted
// begins no task. The fields come one by one, since a kernel may write others meanwhile. Needs state.wgsl.
// Twin: ReplicaState::begins_task in src/state.rs.
fn begins_task(epoch: u32, batch: u32, updates: u32, halted: u32) -> bool {
    return epoch == 0u && batch == 0u && updates > 0u && halted == RUNNING;
}
