// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/package.h"
#include "model/year_inputs.h"

namespace fluxtile {

/// Hidden state of one member over a tile: [cell][state_size] float32 for all of the tile's cells
/// (YearInputs::cells), also those of other members; zero at the start of spin-up.
struct MemberState {
  std::vector<float> values;
};

/// What a member's network made of one year of a tile. [cell] runs over all of the tile's cells
/// (YearInputs::cells). Fluxes carry the project's signs: Ra, Rh, GPP positive, NEE negative =
/// uptake.
struct MemberYear {
  std::vector<float> monthly;   ///< [variable][12][cell] sum over the days of the month, gC m-2;
                                ///< formed in float64; NaN = not modelled
  std::vector<float> annual;    ///< [annual variable][cell]
  std::vector<float> daily;     ///< [variable][day][cell], only if asked for
  std::vector<uint16_t> flags;  ///< [12][cell], inputs' flags or'ed with the network's own;
                                ///< not_modelled where it did not run
};

/// A member's year at the beginning of a day, from which it can be taken up again.
struct OpenYear {
  size_t day = 0;
  std::vector<float> values;  ///< [cell][state_size + open_size] (ArchitectureInfo)
};

/// Which days of a year are run, and where the year may be taken up later.
struct YearSpan {
  const OpenYear* from = nullptr;  ///< go on from here; null: from 1 January
  std::vector<size_t> keep;        ///< days at whose beginning the year is kept, ascending; may be
                                   ///< `days` of the inputs, the day after the last
  std::vector<OpenYear> kept;      ///< those of `keep` that were passed
};

struct EngineOptions {
  std::string engine = "torch";  ///< torch | fused
  std::string device = "cpu";    ///< cpu | cuda | cuda:K
  std::string precision = "fp32";
};

/// Runs one package. run() is thread-safe; it spreads its batches over the calling TBB arena and
/// looks at Stop between batches.
class Engine {
 public:
  virtual ~Engine() = default;
  /// One year of one member. `state` has cells * state_size values and is updated for cells that
  /// ran. After an exception `state` is partly that of the new year: start again from a copy.
  /// Throws Error: internal for a wrong shape, interrupted when a stop was requested or memory ran
  /// out.
  virtual MemberYear run(const YearInputs& inputs, const MemberInputs& member, MemberState& state,
                         bool daily) const = 0;
  /// The last day of a year at whose beginning run_span() can keep it and take it up; 0: the engine
  /// takes years whole only.
  [[nodiscard]] virtual size_t last_beginning() const { return 0; }
  /// As run(), from a day on: a year that is taken up gives the bytes that it gives in one go.
  /// Months before that of `from->day`, and daily values before the day, are not filled: they are
  /// those of the run that left `from`. `state` is written only. Throws Error(internal) for a span
  /// that the engine cannot run.
  virtual MemberYear run_span(const YearInputs& inputs, const MemberInputs& member,
                              MemberState& state, bool daily, YearSpan& span) const;
  /// Bytes that one run() call holds beside its inputs and outputs, per thread.
  [[nodiscard]] virtual size_t scratch_bytes(size_t days) const = 0;
};

/// Names of what an architecture gives, in the order of MemberYear.
struct ArchitectureInfo {
  std::vector<std::string> variables;         ///< daily and monthly: ra rh nee gpp
  std::vector<std::string> annual_variables;  ///< yield residue
  size_t state_size = 0;                      ///< floats a cell, from year to year
  size_t open_size = 0;                       ///< further floats a cell in the middle of a year:
                                              ///< the network's own, sums and flags of the month
};
ArchitectureInfo architecture_info(const std::string& architecture);

/// Resolves `auto` for engine and device on this machine. Throws Error(data) for one that is not
/// there.
EngineOptions resolve_engine(EngineOptions wanted);
/// What of the machine decides the bytes: "torch cpu fp32 AVX512 openblas-SkylakeX" (fused: no
/// instruction set).
std::string engine_identity(const EngineOptions& options);

/// Loads the network. Once per process: torch and BLAS pools are set to one thread
/// (openblas_set_num_threads through dlsym), and a self-test runs one cell in every batch position
/// and compares. Throws Error(data) for an architecture or precision the engine lacks.
std::unique_ptr<Engine> make_engine(const EngineOptions& options,
                                    std::shared_ptr<const Package> package);

}  // namespace fluxtile
