// SPDX-License-Identifier: Apache-2.0
// What a worker does: a loop over its row of the table. It decides nothing.
#pragma once

#include "mailbox.hpp"
#include "task.hpp"

#include <chimera/chimera.hpp>

#include <array>

/// What the workers share.
struct exchange {
    mailbox<int> messages;                  // by the table's message numbers
    mailbox<std::array<int, 3>> gradients;  // by stage, from which worker, for which worker
};

class runner {
public:
    runner(int index, const chimera::program_view& table, const std::vector<stage>& model, exchange& with)
        : index_(index), table_(table), model_(model), with_(with) {}

    void iterate(const task& batch) {
        for (const chimera::instruction& i : table_.row(index_)) execute(i, batch);
    }
    const stage& holds(int s) const { return model_[static_cast<std::size_t>(s)]; }

private:
    using place = std::pair<int, int>;  // stage, unit

    void execute(const chimera::instruction& i, const task& batch) {
        using chimera::action;
        const place here{i.stage, i.first};
        const bool last = i.stage + 1 == table_.head.stages;
        switch (i.op) {
            case action::forward:
                kept_[here] = holds(i.stage).forward(i.stage == 0 ? batch.inputs(i.first) : std::move(input_[here]));
                if (!last) input_[{i.stage + 1, i.first}] = kept_[here].back();
                break;
            case action::backward: {
                const std::vector<numbers> kept = std::move(kept_[here]);
                numbers of_unit, from = last ? batch.loss(i.first, kept.back()) : std::move(output_gradient_[here]);
                output_gradient_[{i.stage - 1, i.first}] = holds(i.stage).backward(kept, std::move(from), of_unit);
                add(gradient_[i.stage], of_unit);
                break;
            }
            case action::send_activation:  // here and below, i.stage is the stage that receives
                with_.messages.put(i.message, std::move(input_[here]));
                break;
            case action::recv_activation:
                input_[here] = with_.messages.take(i.message);
                break;
            case action::send_gradient:
                with_.messages.put(i.message, std::move(output_gradient_[here]));
                break;
            case action::recv_gradient:
                output_gradient_[here] = with_.messages.take(i.message);
                break;
            case action::reduce_gradient:  // starts: every other holder of the stage gets this worker's share
                for (const int other : table_.replica_group(i.stage))
                    with_.gradients.put({i.stage, index_, other}, gradient_[i.stage]);
                break;
            case action::wait_gradient:  // all holders add in the same order, so that they stay the same
                gradient_[i.stage].clear();
                for (const int other : table_.replica_group(i.stage))
                    add(gradient_[i.stage], with_.gradients.take({i.stage, other, index_}));
                break;
            case action::update_weights:
                model_[i.stage].update(gradient_[i.stage], batch.rate());
                gradient_[i.stage].clear();
                break;
            default:  // halves of backwards and recomputation: not in this table
                std::abort();
        }
    }

    int index_;
    const chimera::program_view& table_;
    std::vector<stage> model_;  // of which only the stages that the worker holds are used
    exchange& with_;
    std::map<place, numbers> input_, output_gradient_;
    std::map<place, std::vector<numbers>> kept_;
    std::map<int, numbers> gradient_;
};
