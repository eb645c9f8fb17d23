// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/calibrate/predictor.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace chimera::executor {

/// The layout of a file of measurements, which its header line names.
enum class measurement_layout {
    iterations,  ///< a transformer and its parallelism a row, milliseconds an iteration (vTrain's ground truth)
    schemes      ///< a named model and a scheme a row, with a metric and its value (figures of the Chimera paper)
};

/// Something published that is no measurement of an iteration: it is compared, not fitted.
struct published_figure {
    enum class kind { model, eager_gain } what = kind::model;
    std::size_t row = 0;  ///< of the same configuration among the measurements
    double value = 0;     ///< model: samples per second by the paper's Eq. 1; eager_gain: eager_opt's rate over eager's
};

struct measured_file {
    measurement_layout layout = measurement_layout::iterations;
    std::string hardware;  ///< as the rows name it; empty where they do not
    std::vector<model> models;
    std::vector<measurement> rows;
    std::vector<published_figure> figures;
};

struct measurement_options {
    int tokens = 0;            ///< per sample, in place of the model's own; layout schemes
    int workers_per_node = 0;  ///< 0: 8 for iterations; for schemes W · D / nodes
};

/// Reads comma-separated measurements under a header line, which may begin with #. Columns may come in any order,
/// others are skipped:
///
///     # GPUs,global batch,micro batch,hidden size,attention heads,# layers,sequence length,tensor parallelism,
///     data parallelism,pipeline parallelism,iteration time (ms)
///
/// GPT-2 with a vocabulary of 50,257, trained in 16 bits by 1F1B, pipelines spread over nodes last. These columns may be
/// added: model (of the catalogue, in place of its sizes), vocabulary, recompute (none, selective, layers or stage; full: layers), schedule (a
/// family), chunks (stages a worker; more than one is interleaved), pipelines, nodes, and sequence parallelism (0 or 1). Or
///
///     model,hardware,nodes,scheme,W,D,B,Bhat,recompute,metric,value
///
/// with scheme pipedream, 2bw, gpipe, gems, dapple, chimera, chimera_doubling or chimera_halving, B samples a
/// micro-batch (- for pipedream: Bhat / W), recompute 0, 1 (stage) or as above and metric seq_per_s_measured, seq_per_s_eq1_model or
/// eager_sync_opt_over_eager_sync; models Bert-48 and GPT-2-64 (or as wide with other numbers of layers) or a name of
/// the catalogue; Bert-48 with 512 tokens on V100, else 128, as in the paper. Throws chimera_error, in one line that
/// names the line, for what is missing, no number, out of range or contradicts itself.
measured_file read_measurements(std::string_view text, const measurement_options& how = {});

/// Reads a file; the text of an error begins with its path.
measured_file load_measurements(const std::string& path, const measurement_options& how = {});

}  // namespace chimera::executor
