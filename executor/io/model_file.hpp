// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/changed_sizes.hpp>
#include <chimera/model/layer_chain.hpp>

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace chimera::executor {

/// Reads chimera.model, version 1. All but parameters is per sample, FLOPs count a multiply and an add as two, sizes
/// are bytes; fields mean what those of chimera::layer do:
///
///     {"format": "chimera.model", "version": 1, "name": "mine", "tokens": 1024,
///      "precision": {"weight": 2, "gradient": 2, "optimiser": 12, "activation": 2},
///      "layers": [{"name": "embedding", "kind": "embedding", "parameters": 38597376, "forward": 0, "backward": 0,
///                  "activations": 786432, "output": 1572864},
///                 {"name": "block", "count": 12, "parameters": 7087872, "forward": 1.8e10, "input_gradient": 2.1e10,
///                  "weight_gradient": 1.5e10, "activations": 9e7, "selective": 2.7e7, "selective_forward": 3.2e9,
///                  "replicated": 7.8e6, "exchanged": 3.1e6, "workspace": 0, "output": 1572864},
///                 {"name": "head", "kind": "head", "parameters": 1536, "tied_to": "embedding",
///                  "tied_parameters": 38597376,
///                  "forward": 7.9e10, "backward": 1.6e11, "activations": 2.1e8}]}
///
/// "layers" are in the order in which a sample passes them, unless some say "after" which layer they come ("after":
/// "block", or a list with one name): then all but the first do, and a straight chain must come of it. "count" repeats
/// a layer, as name.0, name.1 and so on. Needed are "parameters", "forward", "backward" (cut into equal halves) or both
/// "input_gradient" and "weight_gradient", "activations" and, but for the last layer, "output". Left out, "selective"
/// is "activations", "tied_parameters" those of the other layer, "kind" is block (of embedding, block, head,
/// convolution, other), all else 0, "precision" as above.
///
/// Or, in place of "layers", a family of the catalogue with its sizes, named as in include/chimera/model:
///
///     {"format": "chimera.model", "version": 1, "family": "gpt2",
///      "sizes": {"layers": 24, "heads": 16, "channels": 1024},
///      "precision": {…}, "dropout": false, "fused_attention": true, "fp8": true}
///
/// with family gpt2, bert, llama, t5, vit, resnet or executor (what `chimera train` runs; its precision is fixed).
/// Throws error, in one line that names layer and key.
model read_model(std::string_view text);
/// Reads the same from an object that was parsed already, a part of a larger file.
model model_from_json(const nlohmann::json& value, const model_changes& asked = {});

/// A model of the catalogue by its name, or from a file. What is thrown of a file starts with its path.
model load_model(const std::string& name_or_file, const model_changes& asked = {});

}  // namespace chimera::executor
