// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/device.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace chimera::executor {

/// The training data of one unit: sequences · tokens token numbers each, sequence after sequence. Where the device is
/// on the host, the memory stays the caller's; elsewhere it is copied.
struct unit_batch {
    std::span<const std::int32_t> tokens, targets;
};

/// The units of a batch where the device can read them, and the losses where it can write them.
template <Device D>
class batches {
public:
    /// Copies what is needed of them to the device, if that is not the host, and sets all losses to 0. `rows`: tokens
    /// of one unit.
    void set(D& device, std::span<const unit_batch> units, std::size_t rows, bool tokens, bool targets) {
        units_.assign(units.begin(), units.end());
        losses_.assign(units.size(), 0.0);
        if constexpr (!D::on_host) {
            rows_ = rows;
            const std::size_t numbers = tokens || targets ? 2 * units.size() * rows * sizeof(std::int32_t) : 0;
            const std::size_t losses = targets ? units.size() * sizeof(double) : 0;
            make_room(device, numbers_, numbers);
            make_room(device, results_, losses);
            device.upload(results_.data(), losses_.data(), losses);
            for (std::size_t u = 0; u < units.size(); ++u) {
                if (tokens) device.upload(number(2 * u), units[u].tokens.data(), rows * sizeof(std::int32_t));
                if (targets) device.upload(number(2 * u + 1), units[u].targets.data(), rows * sizeof(std::int32_t));
            }
        }
    }

    const std::int32_t* tokens(int unit) const {
        if constexpr (!D::on_host) return number(2 * static_cast<std::size_t>(unit));
        return units_[static_cast<std::size_t>(unit)].tokens.data();
    }
    const std::int32_t* targets(int unit) const {
        if constexpr (!D::on_host) return number(2 * static_cast<std::size_t>(unit) + 1);
        return units_[static_cast<std::size_t>(unit)].targets.data();
    }

    /// Returns the address at which the device puts a unit's loss.
    double* loss(int unit) {
        if constexpr (!D::on_host) return reinterpret_cast<double*>(results_.data()) + unit;
        return &losses_[static_cast<std::size_t>(unit)];
    }
    /// All of them, on the host.
    std::span<const double> losses(D& device) {
        if constexpr (!D::on_host)
            if (!losses_.empty() && results_.size() > 0)
                device.download(losses_.data(), results_.data(), losses_.size() * sizeof(double));
        return losses_;
    }

private:
    /// Frees the old block first, so that both never exist at once.
    static void make_room(D& device, typename D::memory& in, std::size_t bytes) {
        if (bytes <= in.size()) return;
        in = {};
        in = device.allocate(bytes);
    }
    std::int32_t* number(std::size_t part) const {
        return reinterpret_cast<std::int32_t*>(numbers_.data()) + part * rows_;
    }

    std::vector<unit_batch> units_;
    std::vector<double> losses_;
    typename D::memory numbers_, results_;
    std::size_t rows_ = 0;
};

}  // namespace chimera::executor
