// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/data/sampler.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::executor {

/// A tensor by its logical name, wherever its values live. float32, row-major.
struct named_tensor {
    std::string name;
    std::vector<std::int64_t> shape;
    std::span<float> values;
};

/// The content of a checkpoint beside its tensors.
struct checkpoint_info {
    std::int64_t step = 0;   ///< iterations done
    std::int64_t steps = 0;  ///< iterations planned; the learning rate follows them
    double first_loss = 0;   ///< loss of the first iteration
    sampler_state data;      ///< cursor and random state
    std::string model;       ///< the model's sizes, as JSON text
    std::string job;         ///< hash of everything that decides the bits of the run
    std::string settings{};  ///< what that is a hash of, as JSON text; empty in files of earlier versions
};

/// Writes one safetensors file: u64 header length, JSON header, tensor data. Its metadata hold `info`, the format
/// version and an XXH3 checksum over the whole file (with the checksum's own 16 digits taken as zeros). Replaces `path`
/// atomically; throws chimera_error.
void write_checkpoint(const std::filesystem::path& path, const checkpoint_info& info,
                      std::span<const named_tensor> tensors);

/// A tensor as a checkpoint's header describes it.
struct stored_tensor {
    std::string name;
    std::vector<std::int64_t> shape;
    std::size_t begin = 0;  ///< bytes from the start of the data
    std::size_t end = 0;
};

/// A checkpoint's header, checked: known format and version, float32 only, sizes that match shapes, data without gap or
/// overlap.
struct checkpoint_header {
    checkpoint_info info;
    std::vector<stored_tensor> tensors;  ///< in order of their data
};

/// Parses the JSON of a safetensors header with `data_bytes` of data behind it. Throws error with `name` in it.
checkpoint_header parse_checkpoint_header(std::string_view header, std::size_t data_bytes, const std::string& name);

/// Reads and checks the header of a checkpoint, and the checksum over the whole file. Allocates no more than the
/// header.
checkpoint_header open_checkpoint(const std::filesystem::path& path);

/// Fills `tensors` from the file, after open_checkpoint. All names and shapes must be the same on both sides; with
/// `all` false the file may have tensors beside these.
void load_checkpoint(const std::filesystem::path& path, const checkpoint_header& header,
                     std::span<const named_tensor> tensors, bool all = true);

namespace detail {

/// Returns the position of the checksum's 16 digits in a header's text; npos when it has none.
std::size_t checksum_position(std::string_view header);

/// Elements of a shape; throws chimera_error on negative sizes and on overflow.
std::size_t element_count(std::span<const std::int64_t> shape, const std::string& name);

}  // namespace detail

}  // namespace chimera::executor
