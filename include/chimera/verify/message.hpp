// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/verify/report.hpp>

#include <string>

namespace chimera {
namespace detail {

/// `<problem>|(<why>) <what to do>`; # stands for fault::other, @ for fault::peer.
constexpr const char* words(complaint what) {
    switch (what) {
        case complaint::bad_shape: return "sizes, placement and offsets do not fit each other|(placement is one worker per pipeline and stage, offsets cut the rows) correct the header";
        case complaint::too_few: return "too few slots|(each stage and unit needs a forward and a backward) correct micro_batches or add the rest";
        case complaint::unknown_pass: return "unknown pass|(not one of those named in the format) correct op";
        case complaint::out_of_range: return "stage, pipeline or units out of range|(beyond the sizes in the header) correct the numbers";
        case complaint::wrong_worker: return "a slot on the wrong worker|(the placement puts its stage on worker #) move it there";
        case complaint::duplicate: return "a second one of the same|(stage and unit have it already) drop one";
        case complaint::two_pipelines: return "a unit on two pipelines|(it began on pipeline #) keep it on one";
        case complaint::no_forward: return "no forward|(each stage and unit needs one) add it";
        case complaint::no_backward: return "no backward|(each stage and unit needs one, or its two halves) add it";
        case complaint::no_weight_gradient: return "no weight gradient|(there is an input gradient only) add it";
        case complaint::before_activation: return "a forward before its input is there|(slot # of worker @ makes it) start it later";
        case complaint::before_gradient: return "a backward before its gradient is there|(slot # of worker @ makes it) start it later";
        case complaint::before_forward: return "a backward before its forward has ended|(it needs the activation) start it later";
        case complaint::before_recompute: return "a backward before its recompute has ended|(it needs the activation) start it later";
        case complaint::recompute_early: return "a recompute before its forward has ended|(there is nothing to start from) start it later";
        case complaint::weight_early: return "a weight gradient before its input gradient has ended|(it needs what that leaves) start it later";
        case complaint::no_length: return "a slot before tick 0 or without length|(ticks count from 0, a slot lasts at least one) correct tick and ticks";
        case complaint::unsorted: return "a slot that starts before the one in front of it|(rows are in order of execution) sort the row";
        case complaint::collision: return "a slot that starts before slot # has ended|(a worker computes one slot at a time) start it later";
        case complaint::bad_pair: return "a pair that cannot run together|(a forward pairs with the other pass that follows it, and with no third) clear overlap";
        case complaint::over_limit: return "too many live activations|(the limit is # micro-batches) start the forward later";
        case complaint::bad_message: return "message number out of range or without a transfer|(numbers run from 0 to messages - 1) renumber";
        case complaint::sent_twice: return "sent twice|(message, stage and unit have a send already) drop one";
        case complaint::received_twice: return "received twice|(message, stage and unit have a receive already) drop one";
        case complaint::never_sent: return "a receive without its send|(worker @ never sends this message) add the send";
        case complaint::never_received: return "a send without its receive|(worker @ never receives this message) add the receive";
        case complaint::ends_disagree: return "send and receive of one message differ|(see instruction # of the sender) make op, stage, pipeline, units and peers agree";
        case complaint::wrong_peer: return "a transfer with the wrong worker|(the placement has the other stage elsewhere than on worker @) correct peer";
        case complaint::needless: return "a transfer that nobody needs|(no such stage, or not between these two workers) drop it";
        case complaint::no_transfer: return "no transfer from worker @|(what this needs is made there) add a send and a receive";
        case complaint::bad_inputs: return "inputs are not the messages it needs|(message and inputs name what it receives) correct them";
        case complaint::send_early: return "sent to worker @ before it is made|(this is what makes it) move the send behind it";
        case complaint::receive_late: return "received from worker @ after it is used|(this is what uses it) move the receive in front of it";
        case complaint::pair_order: return "received out of order|(worker @ sends instruction # first) keep one order on both sides";
        case complaint::no_group: return "a transfer without a group|(groups say which calls progress together) number it";
        case complaint::split_group: return "a group in two pieces|(calls of a group stand together) renumber one";
        case complaint::deadlock: return "waits forever|(worker @ never gets to the other end) reorder";
        case complaint::rendezvous_deadlock: return "waits forever where a send waits for its receive|(worker @ never gets to the other end) group or reorder the calls";
        case complaint::bad_members: return "members are not the workers that hold the stage|(ascending, each once) list those of the placement";
        case complaint::not_held: return "synchronises a stage that the worker does not hold|(see the placement) drop it";
        case complaint::no_reduce: return "no reduce_gradient|(the stage has replicas) add it after the last gradient";
        case complaint::needless_reduce: return "a reduction of a stage without replicas|(its gradient is complete) drop it";
        case complaint::early_reduce: return "reduced before the last gradient|(instruction # adds to it) move the reduction behind it";
        case complaint::no_wait: return "no wait_gradient|(the update needs the reduced gradient) add it before the update";
        case complaint::early_wait: return "waits before the reduction starts|(at instruction #) move the wait behind it";
        case complaint::no_update: return "no update_weights|(each worker updates each stage it holds) add it";
        case complaint::early_update: return "updated before the reduction was waited for|(at instruction #) move the update behind it";
        case complaint::late_contribution: return "updated before the last gradient|(instruction # adds to it) move the update behind it";
        case complaint::collective_order: return "reductions in an order that other workers do not follow|(here after stage #, on worker @ the other way round) use one order everywhere";
        case complaint::bad_buffer: return "a buffer that does not exist|(number #) use 0 to buffer_counts - 1";
        case complaint::buffer_busy: return "a buffer that holds a live activation|(buffer #) use a free one";
        case complaint::buffer_moved: return "not the buffer of its forward|(buffer #) use the same from forward to backward";
        case complaint::buffer_count: return "buffer_counts is not the peak|(the worker has # live activations at most) correct the count";
        case complaint::after_reduce: return "a gradient added after its sum was used|(the stage is reduced or updated above) move it up";
        case complaint::contributes_twice: return "a unit that is added twice|(once per stage in the whole replica group) drop one";
        case complaint::unordered_members: return "members are not ascending|(worker # stands first; they fix the order of the sum) sort them";
    }
    return "broken|() correct it";
}

/// ", <what> <number>" for a number that applies.
inline std::string place(const char* what, std::int32_t number) {
    return number < 0 ? std::string() : std::string(", ") + what + ' ' + std::to_string(number);
}

}  // namespace detail

/// A fault in one line: `<law>: <problem> at worker, slot or instruction, stage, unit, pipeline, peer (<why>) <what to do>`.
inline std::string message(const fault& f) {
    std::string text = std::string(name(f.law)) + ": ";
    const std::string at = detail::place("worker", f.worker) +
                           detail::place(f.instruction ? "instruction" : "slot", f.index) +
                           detail::place("stage", f.stage) + detail::place("unit", f.unit) +
                           detail::place("pipeline", f.pipeline) + detail::place("peer", f.peer);
    for (const char* c = detail::words(f.what); *c != '\0'; ++c) {
        if (*c == '|') text += (at.empty() ? std::string() : " at" + at.substr(1)) + ' ';
        else if (*c == '#') text += f.other < 0 ? "?" : std::to_string(f.other);
        else if (*c == '@') text += f.peer < 0 ? "?" : std::to_string(f.peer);
        else text += *c;
    }
    return text;
}

/// Throws `error` with the first fault of a report that has one.
inline void require(const report& found) {
    if (!found.ok()) refuse(message(found.faults.front()));
}

}  // namespace chimera
