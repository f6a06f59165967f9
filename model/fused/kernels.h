// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "model/fused/packed_layers.h"

namespace fluxtile::fused {

/// What the sweep computes for a block of kLanes cells, compiled once an instruction set and chosen
/// at run time (docs/engine.md). Every lane goes through one fixed sequence of operations, so that
/// all instruction sets with fused multiply-add give the same bytes, and a cell's result depends
/// neither on its lane nor on its neighbours. Arrays are [row][lane] and aligned to 64 bytes.

/// A part of a layer's input: rows that change from day to day.
struct InputRows {
  const float* values = nullptr;  ///< [columns][lane]
  size_t columns = 0;
};

/// One day of a recurrent layer in PyTorch's form (the reset gate of a GRU is applied to the
/// recurrent product). `start`: [gate rows][lane] of the constants, in the order of
/// RecurrentLayer::bias; null: the bias itself. `inputs`: parts whose columns are, one after the
/// other, the layer's daily ones. `before`, `after`: hidden state [64][lane], different arrays.
/// `cells`: those of an LSTM, [64][lane], changed in place.
void recurrent_day(const RecurrentLayer& layer, const float* start,
                   std::initializer_list<InputRows> inputs, const float* before, float* after,
                   float* cells = nullptr);

/// out [rows][lane] = bias + weights in [columns][lane]; `relu`: negative values become 0.
void dense(const DenseLayer& layer, const float* in, bool relu, float* out);

/// A linear map to one row: out [lane] = bias + sum over rows of weights[row] * in[row][lane].
void head(const std::vector<float>& weights, float bias, const float* in, float* out);

/// A day of softmax attention over days: with e = exp(tanh(score)), sum += e and
/// weighted[64][lane] += e * values[64][lane].
void attend(const float* score, const float* values, float* sum, float* weighted);

/// A linear scale: physical = mean + std * z.
struct Scale {
  double mean = 0, std = 1;
};

/// z [lane] = (value - mean) / std of values [lane], in float64 and rounded once. `outside` [lane]
/// becomes 1 where a value lies outside [low, high]. Returns whether all of z is finite.
bool score(const Scale& scale, float low, float high, const float* values, float* z,
           float* outside);
/// values [lane] = z * std + mean, or what that lacks to 0 (`release`), in float64 and rounded
/// once. Returns whether all are finite.
bool unscore(const Scale& scale, bool release, const float* z, float* values);

/// The instruction set in use: "AVX3", "AVX2", ...
std::string kernel_target();
/// Whether it has fused multiply-add: without it the bytes are its own.
bool kernel_target_fuses();
/// Whether products in bfloat16 have an instruction here. Without it they are put together from
/// others: the same bytes, slower than float32.
bool kernel_has_bf16();
/// Names of those that this machine has, best first; and how tests use one of them ("": the best).
std::vector<std::string> kernel_targets();
void use_kernel_target(const std::string& name);
/// Lets tests do without the instruction for bfloat16.
void use_bf16_instruction(bool wanted);

}  // namespace fluxtile::fused
