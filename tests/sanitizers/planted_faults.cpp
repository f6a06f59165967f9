// SPDX-License-Identifier: Apache-2.0
// Faults that the sanitizer of this build has to report, one a process.
//   planted_faults          the names of those that this build must report
//   planted_faults NAME     commits it; ends with 0 where nobody objects
#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_group.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

volatile int sink = 0;  // what is computed is used, in the compiler's eyes

/// Waits until `count` threads have come here, so that a race needs no luck.
class Meeting {
 public:
  explicit Meeting(int count) : missing_(count) {}
  void wait() {
    missing_.fetch_sub(1, std::memory_order_relaxed);  // orders nothing
    while (missing_.load(std::memory_order_relaxed) > 0) std::this_thread::yield();
  }

 private:
  std::atomic<int> missing_;
};

void read_past_a_row() {
  const std::vector<float> row(static_cast<size_t>(7 + sink));
  sink = static_cast<int>(row.data()[row.size()]);
}

void read_past_an_array_on_the_stack() {
  int days[12] = {};
  for (int month = 0; month < 12; ++month) days[month] = month + sink;
  int* const first = days;
  sink = first[12 + sink];
}

void use_after_free() {
  auto cell = std::make_unique<int>(3);
  const int* const kept = cell.get();
  cell.reset();
  sink = *kept;
}

void leak() {
  auto* lost = new std::vector<int>(100);
  sink = lost->front();
  lost = nullptr;
}

void integer_overflow() {
  int largest = std::numeric_limits<int>::max() - sink;
  sink = ++largest;
}

void nan_to_integer() {
  const double nodata = std::numeric_limits<double>::quiet_NaN() + sink;
  sink = static_cast<int>(nodata);
}

void null_reference() {
  int* nothing = sink == 0 ? nullptr : const_cast<int*>(&sink);
  sink = *nothing;
}

void race_of_threads() {
  int total = 0;
  Meeting meeting(2);
  const auto add = [&] {
    meeting.wait();
    ++total;
  };
  std::thread other(add);
  add();
  other.join();
  sink = total;
}

void race_in_a_parallel_loop() {
  double total = 0;
  Meeting meeting(2);
  oneapi::tbb::parallel_for(
      0, 2,
      [&](int cell) {
        meeting.wait();
        total += cell;
      },
      oneapi::tbb::simple_partitioner());
  sink = static_cast<int>(total);
}

void race_in_a_task_group() {
  int total = 0;
  Meeting meeting(2);
  oneapi::tbb::task_group tasks;
  for (int part = 0; part < 2; ++part) {
    tasks.run([&] {
      meeting.wait();
      ++total;
    });
  }
  tasks.wait();
  sink = total;
}

void race_of_graph_nodes() {
  namespace flow = oneapi::tbb::flow;
  flow::graph graph;
  auto tile = std::make_shared<int>(0);
  Meeting meeting(2);
  flow::broadcast_node<std::shared_ptr<int>> open(graph);
  const auto work = [&](const std::shared_ptr<int>& job) {
    meeting.wait();
    ++*job;
    return job;
  };
  flow::function_node<std::shared_ptr<int>, std::shared_ptr<int>> gpp(graph, flow::unlimited, work);
  flow::function_node<std::shared_ptr<int>, std::shared_ptr<int>> climate(graph, flow::unlimited,
                                                                          work);
  flow::make_edge(open, gpp);
  flow::make_edge(open, climate);
  open.try_put(tile);
  graph.wait_for_all();
  sink = *tile;
}

struct Fault {
  const char *sanitizer, *name;
  void (*commit)();
};
constexpr Fault kFaults[] = {
    {"address", "read_past_a_row", read_past_a_row},
    {"address", "read_past_an_array_on_the_stack", read_past_an_array_on_the_stack},
    {"address", "use_after_free", use_after_free},
    {"address", "leak", leak},
    {"undefined", "integer_overflow", integer_overflow},
    {"undefined", "null_reference", null_reference},
    {"float-cast-overflow", "nan_to_integer", nan_to_integer},
    {"thread", "race_of_threads", race_of_threads},
    {"thread", "race_in_a_parallel_loop", race_in_a_parallel_loop},
    {"thread", "race_in_a_task_group", race_in_a_task_group},
    {"thread", "race_of_graph_nodes", race_of_graph_nodes},
};

}  // namespace

int main(int count, char** arguments) {
  for (const Fault& fault : kFaults) {
    if (std::strstr(FLUXTILE_SANITIZE, fault.sanitizer) == nullptr) continue;
    if (count < 2) {
      std::cout << fault.name << '\n';
    } else if (std::string(arguments[1]) == fault.name) {
      fault.commit();
      return EXIT_SUCCESS;
    }
  }
  return count < 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
