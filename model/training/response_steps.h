// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/training/response.h"
#include "model/training/schedule.h"
#include "model/training/site_year_tensors.h"

namespace fluxtile {

/// The optimiser steps of a stage that act on response curves: Rh must rise with TSOC and GPP,
/// yield with GPP, Year and TSOC, and curves must keep the shape that the start package gave them.
class ResponseSteps {
 public:
  /// `sites` are what check sets are drawn from, with their first years that can be run. Features
  /// that the package lacks are left out, and yield responses where it gives no yield. `before`: a
  /// network of the start package on `device`, for the curves to keep.
  ResponseSteps(const Package& start, const SiteYearTensors& data, std::vector<size_t> sites,
                const Stage& stage, const Schedule& schedule, const std::string& device,
                int threads);

  /// Called after each gradient, with the term's name and value.
  using Step = std::function<void(const std::string& term, double loss)>;
  /// One optimiser step for each response of the stage. `seed`, `first_step`: of dropout and draws;
  /// numbers from first_step on are used. Returns site-years, forward and backward.
  uint64_t run(ParallelGradient& work, uint64_t seed, uint64_t first_step, const Step& step);

  /// Terms of the validation loss: Rh responses in evaluation mode on the same sites every time.
  std::map<std::string, double> validation(ParallelGradient& work);

  [[nodiscard]] bool any() const {
    return !sites_.empty() && !(stage_.rh_responses.empty() && stage_.yield_responses.empty() &&
                                stage_.keep_responses.empty());
  }

 private:
  [[nodiscard]] CheckSet check_set(const std::vector<size_t>& sites) const;
  [[nodiscard]] size_t position(const std::string& feature) const;
  const ResponseCurve& curve_before(const std::string& feature);

  Stage stage_;
  const SiteYearTensors& data_;
  std::vector<std::string> inputs_;
  std::vector<size_t> sites_;  ///< that can be drawn
  size_t years_ = 0;           ///< of a check set
  int spinup_years_ = 0;
  CheckSet fixed_;  ///< the same in all epochs: validation, curves that keep their shape
  std::unique_ptr<ParallelGradient> before_work_;
  std::map<std::string, ResponseCurve> before_;
};

}  // namespace fluxtile
