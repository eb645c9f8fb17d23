// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace chimera::executor {

/// One named tensor inside a stage's contiguous array of parameters.
struct parameter {
    enum class start : std::uint8_t { zeros, ones, normal };

    std::string name;  ///< as in Hugging Face's GPT-2: h.3.attn.c_attn.weight
    std::vector<std::int64_t>
        shape;  ///< linear weights are [inputs, outputs], lm_head.weight is [vocabulary, channels]
    std::size_t offset = 0, size = 0;  ///< in elements
    start how = start::zeros;
    double deviation = 0;                            ///< of a normal start
    bool decay() const { return shape.size() > 1; }  ///< weight decay spares biases and norms
};

/// Hands out offsets in elements, multiples of the granule: the default is 64 bytes or more for elements of 4 bytes or
/// more.
class layout {
public:
    explicit layout(std::size_t granule = 16) : granule_(granule) {}

    std::size_t take(std::size_t n) {
        const std::size_t at = size_;
        size_ += (n + granule_ - 1) / granule_ * granule_;
        return at;
    }
    std::size_t size() const { return size_; }

private:
    std::size_t granule_, size_ = 0;
};

/// The parameters of one stage in the order in which they lie in memory.
class parameter_list {
public:
    explicit parameter_list(std::size_t granule = 16) : layout_(granule) {}

    /// `room`: elements to keep free for it in all, if more than it has; they stay 0.
    std::size_t add(std::string name, std::vector<std::int64_t> shape, parameter::start how, double deviation = 0,
                    std::size_t room = 0);
    std::span<const parameter> all() const { return all_; }
    std::size_t size() const { return layout_.size(); }  ///< elements, gaps included

private:
    std::vector<parameter> all_;
    layout layout_;
};

/// Start values of a parameter. They depend on the seed, its name and its shape alone: not on how the model is cut into
/// stages.
template <class Real>
void initialise(const parameter& p, std::uint64_t seed, std::span<Real> values);

extern template void initialise(const parameter&, std::uint64_t, std::span<float>);
extern template void initialise(const parameter&, std::uint64_t, std::span<double>);

}  // namespace chimera::executor
