// SPDX-License-Identifier: Apache-2.0
#include "pipeline/batch_script.h"

#include "pipeline/shell_quote.h"

namespace fluxtile {
namespace {

const char* const directives =
    R"(#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@120
)";

const char* const allocation =
    R"(
# Threads and memory are what Slurm gave, not what the machine has. A tenth of the memory is left
# for the shell and for what libraries take on top.
threads=${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-1}}
mib=0
if [[ ${SLURM_MEM_PER_NODE:-} =~ ^[1-9][0-9]*$ ]]; then
  mib=$SLURM_MEM_PER_NODE
elif [[ ${SLURM_MEM_PER_CPU:-} =~ ^[1-9][0-9]*$ ]]; then
  mib=$((SLURM_MEM_PER_CPU * threads))
fi
words+=(--threads "$threads")
[[ $mib -eq 0 ]] || words+=(--memory "$((mib * 9 / 10))MiB")
)";

const char* const attempt =
    R"(
why= pid=
stop() {
  [[ $why == TERM ]] || why=$1
  [[ -z $pid ]] || kill -TERM "$pid" 2>/dev/null
}
trap 'stop USR1' USR1      # time is nearly up: stop, and ask to be run again
trap 'stop TERM' TERM INT  # cancelled or preempted: stop; whether it runs again is Slurm's to say

"$fluxtile" "${words[@]}" &
pid=$!
[[ -z $why ]] || kill -TERM "$pid" 2>/dev/null
while :; do
  wait "$pid"
  code=$?
  kill -0 "$pid" 2>/dev/null || break
done
wait "$pid" 2>/dev/null
last=$?
[[ $last -eq 127 ]] || code=$last
pid=
[[ $code -ne 143 ]] || code=75  # ended by TERM before it could listen

if [[ $code -eq 75 && $why != TERM ]]; then
  if [[ ${SLURM_RESTART_COUNT:-0} -ge $restarts ]]; then
    echo "fluxtile: $job was run again ${SLURM_RESTART_COUNT:-0} times and is given up; submit again" >&2
  elif scontrol requeue "$job"; then
    echo "fluxtile: $job will be run again" >&2
    # Slurm ends this attempt, by TERM first.
    for ((second = 0; second < 60; ++second)); do
      [[ $why != TERM ]] || break
      sleep 1
    done
  else
    echo "fluxtile: $job cannot be requeued; submit again" >&2
  fi
fi
exit "$code"
)";

std::string head(const std::string& what, const BatchWork& work) {
  return "#!/bin/bash\n# Written by `fluxtile submit`: " + what + " of plan " + work.plan + ".\n" +
         directives;
}

std::string place(const BatchWork& work) {
  return "restarts=" + std::to_string(work.restarts) + "\nfluxtile=" + shell_quote(work.program) +
         "\ncd -- " + shell_quote(work.directory) +
         " || exit 65\n"
         "if [[ ! -x $fluxtile ]]; then\n"
         "  echo \"fluxtile: this node has no $fluxtile; install it where all nodes see it\" >&2\n"
         "  exit 65\n"
         "fi\n";
}

std::string common_words(const BatchWork& work) {
  std::string line = " --plan " + shell_quote(work.plan);
  for (const auto& word : work.words) line += " " + shell_quote(word);
  return line;
}

}  // namespace

std::string shard_script(const BatchWork& work) {
  return head("each task of the array does the tiles of one shard", work) +
         R"(
if [[ -z ${SLURM_ARRAY_TASK_ID:-} ]]; then
  echo "fluxtile: this script is for an array: sbatch --array=0-)" +
         std::to_string(work.shards - 1) + R"( FILE" >&2
  exit 64
fi
# This task alone: SLURM_JOB_ID of one task may be the number of the whole array.
job=${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}
)" + place(work) +
         "words=(run " + shell_quote(work.config) + " --shard \"$SLURM_ARRAY_TASK_ID/" +
         std::to_string(work.shards) + "\"" + common_words(work) + ")\n" + allocation + attempt;
}

std::string merge_script(const BatchWork& work) {
  return head("checks that all tiles are there and writes the products", work) +
         "\njob=$SLURM_JOB_ID\n" + place(work) + "words=(merge " + shell_quote(work.config) +
         common_words(work) + ")\n" + allocation + attempt;
}

std::string array_indices(const std::vector<int>& numbers) {
  std::string text;
  for (size_t k = 0; k < numbers.size();) {
    size_t end = k;
    while (end + 1 < numbers.size() && numbers[end + 1] == numbers[end] + 1) ++end;
    text += (text.empty() ? "" : ",") + std::to_string(numbers[k]);
    if (end > k) text += "-" + std::to_string(numbers[end]);
    k = end + 1;
  }
  return text;
}

}  // namespace fluxtile
